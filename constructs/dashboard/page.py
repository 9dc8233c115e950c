"""The page that an operator opens first."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from constructs import Construct
from constructs.common import runbook_sections as runbook
from constructs.common.links import Links
from constructs.dashboard.alarm_widgets import AllAlarms
from constructs.dashboard.check_widgets import CheckWidgets
from constructs.dashboard.database_widgets import DatabaseWidgets
from constructs.dashboard.log_widgets import cost_widgets, log_tables
from constructs.dashboard.pool_widgets import PoolWidgets
from constructs.dashboard.service_widgets import ServiceWidgets
from constructs.dashboard.widgets import Part, heading, numbers, rows
from constructs.database.instances import Database
from constructs.service.load_balancer import LoadBalancer
from environment import Environment
from names import CHECKS


class Dashboard(Construct):
    """All alarms, the numbers to watch with their targets, then each layer, with links to runbook and consoles.

    Attributes: dashboard; url of it in the console.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        links: Links,
        front: LoadBalancer,
        database: Database,
    ) -> None:
        super().__init__(scope, id)
        self._links = links
        self.url = links.cloudwatch(f"dashboards/dashboard/{environment.dashboard_name}")
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=environment.dashboard_name,
            default_interval=Duration.hours(3),
            period_override=cloudwatch.PeriodOverride.INHERIT,  # each graph's title has its period
        )
        self.dashboard.add_widgets(AllAlarms(self, environment.prefix))
        names = environment.names
        service = ServiceWidgets(environment=environment.name, names=names, front=front, scaling=environment.scaling)
        data = DatabaseWidgets(database=database, size=environment.database)
        pools = PoolWidgets(environment=environment.name, pools=environment.pools)
        self._add([*service.key_graphs(), *data.key_graphs()])
        self._add([numbers("Now", *service.now(), *pools.now(), *data.now())])
        self._title(
            "In an incident",
            {"The site": front.url, "All alarms": links.alarms},
            runbook.OUTAGE,
            runbook.ERROR_RATE,
            runbook.LATENCY,
            runbook.UNHEALTHY_POOL,
        )
        log_group, database_log_group = names.service_log_group, names.database_log_group(names.database)
        self._service(service, log_group)
        self._database(data, database_log_group)
        self._pools(pools)
        widgets = CheckWidgets(environment=environment.name, names=names, checks=CHECKS)
        self._checks(widgets)
        self._title("Logs", {"Logs Insights": links.logs_insights}, "p4-errors-logged")
        latest_errors, *other_tables = log_tables(log_group, database_log_group, widgets.log_groups())
        self._add([latest_errors])
        self._add(other_tables)
        self._title("Cost", {"Cost Explorer": links.costs}, "p4-cost-forecast")
        self._add(cost_widgets(environment.name, environment.cost_ceiling_usd))

    def _service(self, widgets: ServiceWidgets, log_group: str) -> None:
        links = self._links
        self._title("Service", {"ECS service": links.service, "Log": links.log_group(log_group)}, runbook.OUTAGE)
        self._add(widgets.tasks())
        self._title("Load balancer", {"Load balancers": links.load_balancer}, runbook.ERROR_RATE, runbook.LATENCY)
        self._add(widgets.balancing())

    def _database(self, widgets: DatabaseWidgets, log_group: str) -> None:
        self._title(
            "Database",
            {"RDS instance": self._links.database, "Log": self._links.log_group(log_group)},
            "p2-database-connections-high",
            "p2-database-storage-low",
            "p3-database-slow",
        )
        self._add(widgets.resources())
        self._add(widgets.work())

    def _pools(self, widgets: PoolWidgets) -> None:
        self._title("Pools", {"Pool health": self._links.function("pool_health")}, runbook.UNHEALTHY_POOL)
        self._add(widgets.each())
        self._add(widgets.all())

    def _checks(self, widgets: CheckWidgets) -> None:
        self._title(
            "Checks",
            {"Functions": self._links.checks, "Schedules": self._links.schedules},
            runbook.CHECK_FAILED,
            runbook.CHECK_NOT_RUNNING,
            runbook.CHECK_FAILED,
        )
        self._add(widgets.runs())
        self._add(widgets.findings())
        self._add(widgets.housekeeping())

    def _title(self, text: str, links: dict[str, str], *sections: str) -> None:
        self.dashboard.add_widgets(heading(text, links, self._links.runbook(*sections)))

    def _add(self, parts: Sequence[Part]) -> None:
        for row in rows(parts):
            self.dashboard.add_widgets(*row)
