"""P1: the site is down for everybody."""

from dataclasses import replace
from functools import partial

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from constructs import Construct
from constructs.channel import Channel, Notice, Severity
from constructs.metrics import FIVE_MINUTES, MAXIMUM, MINIMUM, MINUTE, SUM, check_metric, insights_metric
from constructs.quiet_times import ALARM, Standstill
from constructs.severity_alarm import SeverityAlarm, Silence

MIN_HEALTHY_TARGETS = 1
MIN_RUNNING_TASKS = 1
MAX_BALANCER_ERRORS = 10  # in a minute
# Where tasks stand still by a schedule: Container Insights may be late, and a task needs its time to start.
STANDSTILL_WAIT, STANDSTILL_EXTENSION = Duration.minutes(5), Duration.minutes(10)


class OutageAlarms(Construct):
    """The alarms of P1, and the composite alarm `p1-outage` that speaks for all of them with one mail.

    Args:
        has_off_hours: at times no task is meant to run, which is no outage.
    Attributes: alarms, outage; channel, in which alarms below P1 keep quiet during an outage.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        channel: Channel,
        environment: str,
        target_group: elbv2.ApplicationTargetGroup,
        load_balancer: elbv2.ApplicationLoadBalancer,
        has_off_hours: bool,
    ) -> None:
        super().__init__(scope, id)
        steps = channel.steps
        p1 = partial(SeverityAlarm, self, channel=channel, severity=Severity.P1)
        self.alarms = [
            p1(
                "NoHealthyTarget",
                name="no-healthy-target",
                problem="no task has answered the load balancer's health check",
                next_steps=(steps.tasks, steps.events, steps.rollback),
                metric=target_group.metrics.healthy_host_count(period=MINUTE, statistic=MINIMUM),
                below=MIN_HEALTHY_TARGETS,
                datapoints=(2, 2),
                silence=Silence.BREACHES,
            ),
            p1(
                "NoRunningTask",
                name="no-running-task",
                problem="no task runs",
                next_steps=(steps.events, steps.why_stopped, steps.restart),
                metric=insights_metric("RunningTaskCount", channel.prefix, period=MINUTE, statistic=MINIMUM),
                below=MIN_RUNNING_TASKS,
                datapoints=(3, 3),
                silence=Silence.BREACHES,
            ),
            p1(
                "BalancerErrors",
                name="load-balancer-errors",
                problem=f"the load balancer itself has failed over {MAX_BALANCER_ERRORS} requests a minute",
                next_steps=(steps.tasks, steps.errors, steps.rollback),
                metric=load_balancer.metrics.http_code_elb(
                    elbv2.HttpCodeElb.ELB_5XX_COUNT, period=MINUTE, statistic=SUM
                ),
                above=MAX_BALANCER_ERRORS,
                datapoints=(3, 3),
                silence=Silence.IS_FINE,  # without an error there is no datum
            ),
            p1(
                "SiteUnreachable",
                name="site-unreachable",
                problem="nobody has reached the site from outside",
                next_steps=(steps.check("pool_health"), steps.tasks, steps.events),
                metric=check_metric("SiteReachable", environment, period=FIVE_MINUTES, statistic=MAXIMUM),
                below=1,
                datapoints=(2, 2),
                silence=Silence.IS_FINE,  # the check that looks has alarms of its own for that
            ),
            p1(
                "AllPoolsUnhealthy",
                name="all-pools-unhealthy",
                problem="every pool is unhealthy, so that nobody can begin a conversation",
                next_steps=(
                    steps.check("pool_health"),
                    steps.check("session_cleanup"),
                    steps.check("thread_cleanup"),
                    steps.restart,
                ),
                metric=check_metric("AllPoolsUnhealthy", environment, period=FIVE_MINUTES, statistic=MINIMUM),
                above=0,
                datapoints=(2, 2),
                silence=Silence.IS_FINE,  # the check that looks has alarms of its own for that
            ),
        ]
        self.outage = Notice(
            self,
            "Outage",
            name=f"{channel.prefix}-p1-outage",
            description=channel.describe(
                Severity.P1,
                "the site is down for everybody: at least one alarm of P1 fires, the reason names it",
                (steps.tasks, steps.events, steps.check("pool_health"), steps.rollback),
                "p1-complete-service-outage",
            ),
            rule=cloudwatch.AlarmRule.any_of(*(cloudwatch.AlarmRule.from_alarm(alarm, ALARM) for alarm in self.alarms)),
            topic=channel.topic,
            has_ok_action=True,
            quiet_while=Standstill(self, "Standstill", prefix=channel.prefix) if has_off_hours else None,
            quiet_wait=STANDSTILL_WAIT,
            quiet_extension=STANDSTILL_EXTENSION,
        )
        self.channel = replace(channel, outage=self.outage)
