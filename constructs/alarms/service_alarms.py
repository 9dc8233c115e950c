"""Alarms on errors, response times and unhealthy tasks, and on CPU and memory at the maximum of tasks."""

from collections.abc import Callable
from functools import partial

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.error_percent import error_percent
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.common.cloudwatch_metrics import AVERAGE, FIVE_MINUTES, HOUR, MAXIMUM, MINUTE, P95, SUM, running_tasks
from constructs.service.load_balancer import LoadBalancer
from environment_parts import Scaling

MAX_ERROR_PERCENT, MIN_REQUESTS = 5, 20  # in a minute; a percentile of fewer means nothing, either
MAX_P95_SECONDS = 5
# The service's targets; an hour above one is not just a spike.
TARGET_ERROR_PERCENT, TARGET_MIN_REQUESTS = 1, 200  # in an hour
TARGET_P95_SECONDS = 3
MISSING_SAMPLES = 2  # in five minutes, of ECS's one a minute for each task


class ServiceAlarms(Construct):
    """Errors and response times, at once and over an hour; unhealthy targets; CPU and memory at the maximum of tasks.

    Attributes: alarms.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: AlarmContext,
        service: ecs.FargateService,
        front: LoadBalancer,
    ) -> None:
        super().__init__(scope, id)
        self._context, notifications, scaling = context, context.notifications, context.environment.scaling
        alarm = partial(SeverityAlarm, self, notifications=notifications, missing_data=TreatMissingData.NOT_BREACHING)
        self._p2, self._p3 = partial(alarm, severity=Severity.P2), partial(alarm, severity=Severity.P3)
        self.alarms = [*self._errors(front), *self._latency(front, scaling), *self._exhausted(service, scaling)]

    def _errors(self, front: LoadBalancer) -> list[SeverityAlarm]:
        steps, errors = self._context.notifications.steps, partial(error_percent, front)
        return [
            self._p2(
                "ErrorRate",
                name="error-rate",
                problem=f"over {MAX_ERROR_PERCENT} % of at least {MIN_REQUESTS} requests a minute have failed",
                next_steps=(steps.errors, steps.check("pool_health"), steps.tasks, steps.rollback),
                metric=errors(MIN_REQUESTS, period=MINUTE),
                above=MAX_ERROR_PERCENT,
                datapoints=(3, 5),
                suppressed_by=self._context.outage,
            ),
            self._p2(
                "UnhealthyTargets",
                name="unhealthy-targets",
                problem="at least one task has failed the load balancer's health check",
                next_steps=(steps.events, steps.why_stopped, steps.restart),
                metric=front.target_metric("UnHealthyHostCount", period=MINUTE, statistic=MAXIMUM),
                above=0,
                datapoints=(5, 5),
                suppressed_by=self._context.outage_or_deployment,
            ),
            self._p3(
                "ErrorsSlowBurn",
                name="errors-slow-burn",
                problem=f"the error rate has been over its target of {TARGET_ERROR_PERCENT} %",
                next_steps=(steps.errors, steps.check("pool_health"), steps.rollback),
                metric=errors(TARGET_MIN_REQUESTS, period=HOUR),
                above=TARGET_ERROR_PERCENT,
                datapoints=(1, 1),
            ),
        ]

    def _latency(self, front: LoadBalancer, scaling: Scaling) -> list[SeverityAlarm]:
        steps = self._context.notifications.steps
        return [
            self._p3(
                "LatencyHigh",
                name="latency-high",
                problem=f"the p95 response time has been over {MAX_P95_SECONDS} s",
                next_steps=(steps.check("pool_health"), steps.slow_queries, steps.scale(scaling.max_tasks)),
                metric=p95_of_enough(front, period=FIVE_MINUTES),
                above=MAX_P95_SECONDS,
                datapoints=(2, 2),
                suppressed_by=self._context.outage_or_deployment,
            ),
            self._p3(
                "LatencySlowBurn",
                name="latency-slow-burn",
                problem=f"the p95 response time has been over its target of {TARGET_P95_SECONDS} s",
                next_steps=(steps.check("pool_health"), steps.slow_queries, steps.tasks),
                metric=p95_of_enough(front, period=HOUR),
                above=TARGET_P95_SECONDS,
                datapoints=(1, 1),
            ),
        ]

    def _exhausted(self, service: ecs.FargateService, scaling: Scaling) -> list[SeverityAlarm]:
        notifications, max_tasks = self._context.notifications, scaling.max_tasks
        names, steps = notifications.names, notifications.steps
        tasks = running_tasks(names, period=FIVE_MINUTES)
        more_tasks = f"if it persists: max_tasks or task_cpu in config.py, then {steps.deploy}"
        alarm = partial(self._p3, datapoints=(3, 3))
        cpu, memory = scaling.cpu_target_percent, scaling.memory_target_percent
        return [
            alarm(
                "CpuHigh",
                name="cpu-high",
                problem=f"all {max_tasks} tasks have been running at over {cpu} % CPU",
                next_steps=(steps.check("pool_health"), steps.tasks, more_tasks),
                metric=_when_exhausted(tasks, max_tasks, service.metric_cpu_utilization),
                above=cpu,
            ),
            alarm(
                "MemoryHigh",
                name="memory-high",
                problem=f"all {max_tasks} tasks have been running at over {memory} % memory",
                next_steps=(steps.check("thread_cleanup"), steps.tasks, more_tasks),
                metric=_when_exhausted(tasks, max_tasks, service.metric_memory_utilization),
                above=memory,
            ),
        ]


def p95_of_enough(front: LoadBalancer, *, period: Duration) -> cloudwatch.MathExpression:
    """Seconds; 0 when too few requests were answered for a percentile to mean something, so that the alarm ends."""
    return cloudwatch.MathExpression(
        expression=f"IF(FILL(requests, 0) >= {MIN_REQUESTS}, p95, 0)",
        using_metrics={
            "requests": front.target_metric("RequestCount", period=period, statistic=SUM),
            "p95": front.target_metric("TargetResponseTime", period=period, statistic=P95),
        },
        label=f"p95 response time of at least {MIN_REQUESTS} requests, s",
        period=period,
    )


def _when_exhausted(
    tasks: cloudwatch.Metric, max_tasks: int, utilization: Callable[..., cloudwatch.Metric]
) -> cloudwatch.MathExpression:
    minutes = int(FIVE_MINUTES.to_minutes())
    return cloudwatch.MathExpression(
        expression=f"IF(FILL(samples, 0) >= {max_tasks * minutes - MISSING_SAMPLES}, used, 0)",
        using_metrics={"samples": tasks, "used": utilization(period=FIVE_MINUTES, statistic=AVERAGE)},
        label="% while at the maximum of tasks",
        period=FIVE_MINUTES,
    )
