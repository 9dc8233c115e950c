"""Alarms on what users get, and on the tasks that give it."""

from collections.abc import Callable
from functools import partial

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from constructs import Construct
from constructs.channel import Channel, Severity
from constructs.error_percent import error_percent
from constructs.metrics import AVERAGE, FIVE_MINUTES, HOUR, MAXIMUM, MINUTE, P95, insights_metric
from constructs.severity_alarm import SeverityAlarm, Silence

MAX_ERROR_PERCENT, MIN_REQUESTS = 5, 20  # in a minute
MAX_P95_SECONDS = 5
# The service's targets; what breaks them for an hour is no peak.
TARGET_ERROR_PERCENT, TARGET_MIN_REQUESTS = 1, 200  # in an hour
TARGET_P95_SECONDS = 3


class ServiceAlarms(Construct):
    """Errors and response times, at once and over an hour; sick tasks; CPU and memory when scaling is exhausted.

    Attributes: alarms.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        channel: Channel,
        service: ecs.FargateService,
        load_balancer: elbv2.ApplicationLoadBalancer,
        target_group: elbv2.ApplicationTargetGroup,
        max_tasks: int,
        cpu_target_percent: int,
        memory_target_percent: int,
    ) -> None:
        super().__init__(scope, id)
        steps, targets = channel.steps, target_group.metrics
        errors = partial(error_percent, load_balancer, target_group)
        tasks = insights_metric("RunningTaskCount", channel.prefix, period=FIVE_MINUTES, statistic=MAXIMUM)
        more_tasks = f"if it stays: max_tasks or task_cpu in config.py, then {steps.deploy}"
        p2 = partial(SeverityAlarm, self, channel=channel, severity=Severity.P2, silence=Silence.IS_FINE)
        p3 = partial(SeverityAlarm, self, channel=channel, severity=Severity.P3, silence=Silence.IS_FINE)
        self.alarms = [
            p2(
                "ErrorRate",
                name="error-rate",
                problem=f"over {MAX_ERROR_PERCENT} % of requests have failed, of at least {MIN_REQUESTS} a minute",
                next_steps=(steps.errors, steps.check("pool_health"), steps.tasks, steps.rollback),
                metric=errors(MIN_REQUESTS, period=MINUTE),
                above=MAX_ERROR_PERCENT,
                datapoints=(3, 5),
            ),
            p2(
                "UnhealthyTargets",
                name="unhealthy-targets",
                problem="at least one task has failed the load balancer's health check",
                next_steps=(steps.events, steps.why_stopped, steps.restart),
                metric=targets.unhealthy_host_count(period=MINUTE, statistic=MAXIMUM),
                above=0,
                datapoints=(5, 5),
                is_quiet_in_deployment=True,
            ),
            p3(
                "LatencyHigh",
                name="latency-high",
                problem=f"the slowest twentieth of requests has taken over {MAX_P95_SECONDS} s",
                next_steps=(steps.check("pool_health"), steps.slow_queries, steps.scale(max_tasks)),
                metric=targets.target_response_time(period=FIVE_MINUTES, statistic=P95),
                above=MAX_P95_SECONDS,
                datapoints=(2, 2),
                is_quiet_in_deployment=True,
            ),
            p3(
                "LatencySlowBurn",
                name="latency-slow-burn",
                problem=f"the slowest twentieth of requests has taken over {TARGET_P95_SECONDS} s, which is the target",
                next_steps=(steps.check("pool_health"), steps.slow_queries, steps.tasks),
                metric=targets.target_response_time(period=HOUR, statistic=P95),
                above=TARGET_P95_SECONDS,
                datapoints=(1, 1),
            ),
            p3(
                "ErrorsSlowBurn",
                name="errors-slow-burn",
                problem=f"over {TARGET_ERROR_PERCENT} % of requests have failed, which is the target",
                next_steps=(steps.errors, steps.check("pool_health"), steps.rollback),
                metric=errors(TARGET_MIN_REQUESTS, period=HOUR),
                above=TARGET_ERROR_PERCENT,
                datapoints=(1, 1),
            ),
            p3(
                "CpuHigh",
                name="cpu-high",
                problem=f"all {max_tasks} tasks run, and use over {cpu_target_percent} % of their CPU",
                next_steps=(steps.check("pool_health"), steps.tasks, more_tasks),
                metric=_when_exhausted(tasks, max_tasks, service.metric_cpu_utilization),
                above=cpu_target_percent,
                datapoints=(3, 3),
                is_quiet_in_deployment=True,
            ),
            p3(
                "MemoryHigh",
                name="memory-high",
                problem=f"all {max_tasks} tasks run, and use over {memory_target_percent} % of their memory",
                next_steps=(steps.check("thread_cleanup"), steps.tasks, more_tasks),
                metric=_when_exhausted(tasks, max_tasks, service.metric_memory_utilization),
                above=memory_target_percent,
                datapoints=(3, 3),
                is_quiet_in_deployment=True,
            ),
        ]


def _when_exhausted(
    tasks: cloudwatch.Metric, max_tasks: int, utilization: Callable[..., cloudwatch.Metric]
) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=f"IF(FILL(tasks, 0) >= {max_tasks}, used, 0)",
        using_metrics={"tasks": tasks, "used": utilization(period=FIVE_MINUTES, statistic=AVERAGE)},
        label="% while at the maximum of tasks",
        period=FIVE_MINUTES,
    )
