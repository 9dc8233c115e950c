"""Deployments: what suppresses alarms during one, the alarm on an overdue one, the alarms that roll one back."""

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs import Construct
from constructs.alarms.composite_alarm import in_alarm, state_of
from constructs.alarms.notifications import Notifications
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm, StateAlarm
from constructs.common.cloudwatch_metrics import MAXIMUM, MINUTE, check_metric
from names import Names

MAX_DEPLOYMENT_MINUTES = 30  # three times what replacing every task takes


def rollback_alarms(names: Names) -> tuple[str, str]:
    """Names of the alarms that end a deployment and roll it back."""
    return names.alarm(Severity.P1, "no-healthy-target"), names.alarm(Severity.P2, "error-rate")


class DeploymentAlarms(Construct):
    """The state `outage-or-deployment`, which ends when a deployment is overdue, and the alarm `deployment-overdue`.

    Args:
        environment: the dimension of the checks' metrics.
        outage: `p1-outage`.
    Attributes: overdue; outage_or_deployment.
    """

    def __init__(
        self, scope: Construct, id: str, *, notifications: Notifications, environment: str, outage: cloudwatch.IAlarm
    ) -> None:
        super().__init__(scope, id)
        names, steps = notifications.names, notifications.steps
        deployments = check_metric("Deployments", environment, period=MINUTE, statistic=MAXIMUM)
        under_way = StateAlarm(
            self,
            "UnderWay",
            name=names.state("deployment"),
            state="ECS is replacing tasks",
            metric=deployments,
            above=1,
        )
        self.overdue = SeverityAlarm(
            self,
            "Overdue",
            notifications=notifications,
            severity=Severity.P4,
            name="deployment-overdue",
            problem="ECS has been replacing tasks and has not finished",
            next_steps=(steps.events, steps.why_stopped, steps.rollback),
            metric=deployments,
            above=1,
            datapoints=(MAX_DEPLOYMENT_MINUTES, MAX_DEPLOYMENT_MINUTES),
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        not_overdue = cloudwatch.AlarmRule.not_(in_alarm(self.overdue))
        self.outage_or_deployment = state_of(
            self,
            "OutageOrDeployment",
            name=names.state("outage-or-deployment"),
            state="an outage, or a deployment that is not overdue",
            rule=cloudwatch.AlarmRule.any_of(
                in_alarm(outage), cloudwatch.AlarmRule.all_of(in_alarm(under_way), not_overdue)
            ),
        )
