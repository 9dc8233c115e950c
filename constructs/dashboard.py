"""The page that an operator opens first."""

from collections.abc import Iterable

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_rds as rds

from constructs import Construct

PERIOD = Duration.minutes(5)
AVERAGE, MAXIMUM, MINIMUM, P95, SUM = "Average", "Maximum", "Minimum", "p95", "Sum"


class Dashboard(Construct):
    """Alarms, then service, load balancer and database, with the runbook's targets drawn in.

    Attributes: dashboard; url of it in the console.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        region: str,
        alarms: Iterable[cloudwatch.IAlarm],
        service: ecs.FargateService,
        load_balancer: elbv2.ApplicationLoadBalancer,
        target_group: elbv2.ApplicationTargetGroup,
        instance: rds.DatabaseInstance,
        cpu_target_percent: int,
        memory_target_percent: int,
        database_cpu_limit_percent: int,
    ) -> None:
        super().__init__(scope, id)
        targets, balancer = target_group.metrics, load_balancer.metrics
        code = elbv2.HttpCodeTarget.TARGET_5XX_COUNT
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=name)
        self.url = (
            f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#dashboards/dashboard/{name}"
        )
        self.dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24, height=3)
        )
        self.dashboard.add_widgets(
            _graph("Service CPU, %", service.metric_cpu_utilization(period=PERIOD), target=cpu_target_percent),
            _graph("Service memory, %", service.metric_memory_utilization(period=PERIOD), target=memory_target_percent),
            _graph(
                "Targets",
                targets.healthy_host_count(period=PERIOD, statistic=MINIMUM),
                targets.unhealthy_host_count(period=PERIOD, statistic=MAXIMUM),
            ),
        )
        self.dashboard.add_widgets(
            _graph("Requests", balancer.request_count(period=PERIOD, statistic=SUM)),
            _graph("P95 response time, s", targets.target_response_time(period=PERIOD, statistic=P95), target=3),
            _graph("Errors of the site", targets.http_code_target(code, period=PERIOD, statistic=SUM)),
        )
        self.dashboard.add_widgets(
            _graph(
                "Database CPU, %", instance.metric_cpu_utilization(period=PERIOD), target=database_cpu_limit_percent
            ),
            _graph("Database connections", instance.metric_database_connections(period=PERIOD, statistic=MAXIMUM)),
            _graph("Database free bytes", instance.metric_free_storage_space(period=PERIOD, statistic=MINIMUM)),
        )


def _graph(title: str, *metrics: cloudwatch.IMetric, target: float | None = None) -> cloudwatch.GraphWidget:
    lines = [cloudwatch.HorizontalAnnotation(value=target, label=f"target {target}")] if target is not None else []
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_annotations=lines,
        left_y_axis=cloudwatch.YAxisProps(min=0),
        width=8,
        height=6,
    )
