"""P1 alarms: the site is down for all users."""

from functools import partial

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.composite_alarm import NotifyingAlarm
from constructs.alarms.notifications import Notifications
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm, StateAlarm
from constructs.common import runbook_sections as runbook
from constructs.common.cloudwatch_metrics import (
    FIVE_MINUTES,
    MAXIMUM,
    MINIMUM,
    MINUTE,
    SUM,
    check_metric,
    insights_metric,
)
from constructs.common.links import anchor
from constructs.service.load_balancer import LoadBalancer

MIN_HEALTHY_TARGETS = 1
MIN_RUNNING_TASKS = 1
MAX_BALANCER_ERRORS = 10  # in a minute
# Off-hours: Container Insights may be late, and a task needs time to start.
OFF_HOURS_WAIT, OFF_HOURS_EXTENSION = Duration.minutes(5), Duration.minutes(10)


class OutageAlarms(Construct):
    """The P1 alarms, and the composite alarm `p1-outage` that sends one email for all of them.

    Args:
        environment: the dimension of the checks' metrics.
        has_off_hours: at times no task should run, which is not an outage.
    Attributes: alarms, outage.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        notifications: Notifications,
        environment: str,
        front: LoadBalancer,
        has_off_hours: bool,
    ) -> None:
        super().__init__(scope, id)
        self._notifications = notifications
        self._alarm = partial(SeverityAlarm, self, notifications=notifications, severity=Severity.P1)
        self.alarms = [*self._on_the_service(front), *self._on_pool_health(environment)]
        names, steps, rule = notifications.names, notifications.steps, cloudwatch.AlarmRule
        self.outage = NotifyingAlarm(
            self,
            "Outage",
            name=names.alarm(Severity.P1, "outage"),
            description=notifications.description(
                Severity.P1,
                "the site is down for all users; the alarm's reason names the P1 alarms that fired",
                (steps.tasks, steps.events, steps.check("pool_health"), steps.rollback),
                anchor(runbook.OUTAGE),
            ),
            rule=rule.any_of(*(rule.from_alarm(alarm, cloudwatch.AlarmState.ALARM) for alarm in self.alarms)),
            topic=notifications.topic,
            has_ok_action=True,
            suppressed_by=self._off_hours() if has_off_hours else None,
            suppressor_wait=OFF_HOURS_WAIT,
            suppressor_extension=OFF_HOURS_EXTENSION,
        )

    def _on_the_service(self, front: LoadBalancer) -> list[SeverityAlarm]:
        names, steps = self._notifications.names, self._notifications.steps
        return [
            self._alarm(
                "NoHealthyTarget",
                name="no-healthy-target",
                problem="no task has passed the load balancer's health check",
                next_steps=(steps.tasks, steps.events, steps.rollback),
                metric=front.target_metric("HealthyHostCount", period=MINUTE, statistic=MINIMUM),
                below=MIN_HEALTHY_TARGETS,
                datapoints=(2, 2),
                missing_data=TreatMissingData.BREACHING,
            ),
            self._alarm(
                "NoRunningTask",
                name="no-running-task",
                problem="no task has been running",
                next_steps=(steps.events, steps.why_stopped, steps.restart),
                metric=insights_metric("RunningTaskCount", names, period=MINUTE, statistic=MINIMUM),
                below=MIN_RUNNING_TASKS,
                datapoints=(3, 3),
                missing_data=TreatMissingData.BREACHING,
            ),
            self._alarm(
                "BalancerErrors",
                name="load-balancer-errors",
                problem=f"the load balancer itself has returned over {MAX_BALANCER_ERRORS} errors a minute",
                next_steps=(steps.tasks, steps.errors, steps.rollback),
                metric=front.load_balancer.metrics.http_code_elb(
                    elbv2.HttpCodeElb.ELB_5XX_COUNT, period=MINUTE, statistic=SUM
                ),
                above=MAX_BALANCER_ERRORS,
                datapoints=(3, 3),
                missing_data=TreatMissingData.NOT_BREACHING,  # without an error there is no data
            ),
        ]

    def _on_pool_health(self, environment: str) -> list[SeverityAlarm]:
        """Missing data is not breaching: the check `pool_health` has its own alarm for not running."""
        steps = self._notifications.steps
        metric = partial(check_metric, environment=environment, period=FIVE_MINUTES)
        return [
            self._alarm(
                "SiteUnreachable",
                name="site-unreachable",
                problem="the site has not answered from outside",
                next_steps=(steps.check("pool_health"), steps.tasks, steps.events),
                metric=metric("SiteReachable", statistic=MAXIMUM),
                below=1,
                datapoints=(2, 2),
                missing_data=TreatMissingData.NOT_BREACHING,
            ),
            self._alarm(
                "AllPoolsUnhealthy",
                name="all-pools-unhealthy",
                problem="every pool has been unhealthy, so no user can start a conversation",
                next_steps=(
                    steps.check("pool_health"),
                    steps.check("session_cleanup"),
                    steps.check("thread_cleanup"),
                    steps.restart,
                ),
                metric=metric("AllPoolsUnhealthy", statistic=MINIMUM),
                above=0,
                datapoints=(2, 2),
                missing_data=TreatMissingData.NOT_BREACHING,
            ),
        ]

    def _off_hours(self) -> StateAlarm:
        names = self._notifications.names
        return StateAlarm(
            self,
            "OffHours",
            name=names.state("off-hours"),
            state="no task should be running",
            metric=insights_metric("DesiredTaskCount", names, period=MINUTE, statistic=MAXIMUM),
            below=1,
        )
