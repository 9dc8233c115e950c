"""The page that an operator opens first."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from constructs import Construct
from constructs.application_service import ApplicationService
from constructs.dashboard_alarms import AllAlarms
from constructs.dashboard_checks import CheckWidgets, PoolWidgets
from constructs.dashboard_database import DatabaseWidgets
from constructs.dashboard_logs import cost_widgets, log_tables
from constructs.dashboard_service import ServiceWidgets
from constructs.dashboard_widgets import Part, heading, numbers, rows
from constructs.database import Database
from constructs.links import Links
from constructs.load_balancer import LoadBalancer

# Titles of sections of docs/runbook.md.
INCIDENTS = (
    "P1: Complete Service Outage",
    "P2: High Error Rate",
    "P3: High Latency",
    "P4: Unhealthy Pool",
)
DATABASE = ("p2-database-connections-high", "p2-database-storage-low", "p3-database-slow")
CHECK_INCIDENTS = ("p4-check-failed", "p4-check-silent", "p4-check-dead-letters")
LOGS, COST = "p4-errors-logged", "p4-cost-forecast"
CHECKS = ("pool_health", "session_cleanup", "thread_cleanup", "database_role", "cost_report", "housekeeping")


class Dashboard(Construct):
    """All alarms, the numbers to watch with their targets, then each layer, with links to runbook and consoles.

    Args:
        environment: the dimension of our own checks' metrics.
        max_cost_usd: of a month, in total; None: no line is drawn.
    Attributes: dashboard; url of it in the console.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        prefix: str,
        environment: str,
        links: Links,
        service: ApplicationService,
        front: LoadBalancer,
        database: Database,
        max_connections: int,
        is_database_burstable: bool,
        pools: Sequence[str],
        cpu_target_percent: int,
        memory_target_percent: int,
        database_cpu_limit_percent: int,
        max_cost_usd: float | None,
        topic_name: str,
    ) -> None:
        super().__init__(scope, id)
        self.url = links.cloudwatch(f"dashboards/dashboard/{name}")
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=name,
            default_interval=Duration.hours(3),
            period_override=cloudwatch.PeriodOverride.INHERIT,  # each graph says what it counts per
        )
        self.dashboard.add_widgets(AllAlarms(self, prefix))

        tasks = ServiceWidgets(
            cluster_name=service.cluster_name,
            service_name=service.service_name,
            front=front,
            cpu_target_percent=cpu_target_percent,
            memory_target_percent=memory_target_percent,
        )
        data = DatabaseWidgets(
            instance=database.instance.instance_identifier,
            replica=database.replica.instance_identifier if database.replica else None,
            max_connections=max_connections,
            is_burstable=is_database_burstable,
            cpu_limit_percent=database_cpu_limit_percent,
        )
        pool = PoolWidgets(environment=environment, pools=pools)
        checks = CheckWidgets(environment=environment, prefix=prefix, checks=CHECKS, topic_name=topic_name)
        service_logs, database_logs = f"/ecs/{prefix}", f"/aws/rds/instance/{prefix}-database/postgresql"

        self._add([*tasks.key_graphs(), *data.key_graphs()])
        self._add([numbers("Now", *tasks.now(), *pool.now(), *data.now())])
        self._title(
            "In an incident",
            {"The site": front.url, "All alarms": links.alarms},
            links.runbook(*INCIDENTS),
        )
        self._title(
            "Service", {"ECS service": links.service, "Log": links.log_group(service_logs)}, links.runbook(INCIDENTS[0])
        )
        self._add(tasks.tasks())
        self._title("Load balancer", {"Load balancers": links.load_balancer}, links.runbook(*INCIDENTS[1:3]))
        self._add(tasks.balancing())
        self._title(
            "Database",
            {"RDS instance": links.database, "Log": links.log_group(database_logs)},
            links.runbook(*DATABASE),
        )
        self._add(data.resources())
        self._add(data.work())
        self._title("Pools", {"Pool health": links.function("pool_health")}, links.runbook(INCIDENTS[3]))
        self._add(pool.each())
        self._add(pool.all())
        self._title(
            "Checks", {"Functions": links.checks, "Schedules": links.schedules}, links.runbook(*CHECK_INCIDENTS)
        )
        self._add(checks.runs())
        self._add(checks.findings())
        self._add(checks.housekeeping())
        self._title("Logs", {"Logs Insights": links.logs_insights}, links.runbook(LOGS))
        latest_errors, *other_tables = log_tables(service_logs, database_logs, checks.log_groups())
        self._add([latest_errors])
        self._add(other_tables)
        self._title("Cost", {"Cost Explorer": links.costs}, links.runbook(COST))
        self._add(cost_widgets(environment, max_cost_usd))

    def _title(self, text: str, links: dict[str, str], runbook: dict[str, str | None]) -> None:
        self.dashboard.add_widgets(heading(text, links, runbook))

    def _add(self, parts: Sequence[Part]) -> None:
        for row in rows(parts):
            self.dashboard.add_widgets(*row)
