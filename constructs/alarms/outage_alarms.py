"""P1 alarms: the site is down for all users."""

from functools import partial

import aws_cdk as cdk
from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.composite_alarm import NotifyingAlarm, in_alarm
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
    running_tasks,
)
from constructs.common.links import anchor
from constructs.service.load_balancer import LoadBalancer
from environment import Environment

MIN_HEALTHY_TARGETS = 1
MIN_RUNNING_TASKS = 1
# The only region that has the metrics of Route 53's health checks.
# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-health-checks.html
HEALTH_CHECK_REGION = "us-east-1"
MAX_BALANCER_ERRORS = 10  # in a minute
# Off-hours: the check `containers` runs every minute, and a task needs time to start.
OFF_HOURS_WAIT, OFF_HOURS_EXTENSION = Duration.minutes(5), Duration.minutes(10)


class OutageAlarms(Construct):
    """The P1 alarms, and the composite alarm `p1-outage` that sends one email for all of them.

    Attributes: alarms, outage.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        notifications: Notifications,
        environment: Environment,
        front: LoadBalancer,
    ) -> None:
        super().__init__(scope, id)
        self._notifications = notifications
        self._alarm = partial(SeverityAlarm, self, notifications=notifications, severity=Severity.P1)
        self.alarms = [
            *self._on_the_service(front),
            self._on_the_site(environment, front),
            self._on_the_pools(environment.name),
        ]
        names, steps = notifications.names, notifications.steps
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
            rule=in_alarm(*self.alarms),
            topic=notifications.topic,
            has_ok_action=True,
            suppressed_by=self._off_hours(environment.name) if environment.off_hours else None,
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
                metric=running_tasks(names, period=MINUTE),
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

    def _on_the_site(self, environment: Environment, front: LoadBalancer) -> SeverityAlarm:
        """The site as seen from outside AWS's network where CloudWatch has that, else from a function.

        Missing data is not breaching: a new health check has none yet, and pool health its own alarm for not running.
        """
        steps = self._notifications.steps
        alarm = partial(
            self._alarm,
            "SiteUnreachable",
            name="site-unreachable",
            next_steps=(steps.check("pool_health"), steps.tasks, steps.events),
            below=1,
            missing_data=TreatMissingData.NOT_BREACHING,
        )
        if environment.region == HEALTH_CHECK_REGION:
            return alarm(
                problem="the site has not been healthy from outside, as Route 53 sees it from several regions",
                metric=self._health_check(environment, front),
                datapoints=(3, 3),
            )
        return alarm(
            problem="the site has not answered from outside",
            metric=check_metric("SiteReachable", environment.name, period=FIVE_MINUTES, statistic=MAXIMUM),
            datapoints=(2, 2),
        )

    def _health_check(self, environment: Environment, front: LoadBalancer) -> cloudwatch.Metric:
        """The status of a health check of the site's health route: 1 when healthy."""
        has_tls = environment.domain is not None
        check = route53.HealthCheck(
            self,
            "HealthCheck",
            type=route53.HealthCheckType.HTTPS if has_tls else route53.HealthCheckType.HTTP,
            fqdn=environment.domain or front.load_balancer.load_balancer_dns_name,
            port=443 if has_tls else 80,
            resource_path=environment.load_balanced.health_path,
            request_interval=Duration.seconds(30),
            failure_threshold=3,
        )
        cdk.Tags.of(check).add("Name", environment.names.prefix)  # Route 53's console shows it
        return cloudwatch.Metric(
            namespace="AWS/Route53",
            metric_name="HealthCheckStatus",
            dimensions_map={"HealthCheckId": check.health_check_id},
            period=MINUTE,
            statistic=MINIMUM,
        )

    def _on_the_pools(self, environment: str) -> SeverityAlarm:
        """Missing data is not breaching: the check `pool_health` has its own alarm for not running."""
        steps = self._notifications.steps
        return self._alarm(
            "AllPoolsUnhealthy",
            name="all-pools-unhealthy",
            problem="every pool has been unhealthy, so no user can start a conversation",
            next_steps=(
                steps.check("pool_health"),
                steps.check("session_cleanup"),
                steps.check("thread_cleanup"),
                steps.restart,
            ),
            metric=check_metric("AllPoolsUnhealthy", environment, period=FIVE_MINUTES, statistic=MINIMUM),
            above=0,
            datapoints=(2, 2),
            missing_data=TreatMissingData.NOT_BREACHING,
        )

    def _off_hours(self, environment: str) -> StateAlarm:
        return StateAlarm(
            self,
            "OffHours",
            name=self._notifications.names.state("off-hours"),
            state="no task should be running",
            metric=check_metric("DesiredTasks", environment, period=MINUTE, statistic=MAXIMUM),
            below=1,
        )
