"""A secret could not be rotated."""

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.common.cloudwatch_metrics import HOUR, SUM


class RotationAlarm(Construct):
    """A step of a rotation failed; unlike Secrets Manager's own event, this needs no trail of CloudTrail.

    Missing data is not breaching: Lambda publishes errors of a function that runs.
    """

    def __init__(self, scope: Construct, id: str, *, context: AlarmContext) -> None:
        super().__init__(scope, id)
        notifications = context.notifications
        SeverityAlarm(
            self,
            "Failed",
            notifications=notifications,
            severity=Severity.P4,
            name="rotation-failed",
            problem="a step of a secret's rotation failed; the secret keeps its value, and Secrets Manager tries again",
            next_steps=(notifications.steps.rotation_log, notifications.steps.rotated_secrets),
            metric=cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name="Errors",
                dimensions_map={"FunctionName": notifications.names.rotation},
                period=HOUR,
                statistic=SUM,
            ),
            above=0,
            datapoints=(1, 1),
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
