"""The application's migrations failed."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.common.cloudwatch_metrics import FIVE_MINUTES, SUM


class MigrationAlarm(Construct):
    """An execution of the migration's state machine failed, in a deployment or by hand.

    Missing data is not breaching: Step Functions publishes it when an execution fails.
    """

    def __init__(self, scope: Construct, id: str, *, context: AlarmContext) -> None:
        super().__init__(scope, id)
        notifications = context.notifications
        state_machine = Stack.of(self).format_arn(
            service="states",
            resource="stateMachine",
            resource_name=notifications.names.migration,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        SeverityAlarm(
            self,
            "Failed",
            notifications=notifications,
            severity=Severity.P3,
            name="migration-failed",
            problem="the application's migrations failed, so the deployment of its version did",
            next_steps=(notifications.steps.migration_log, notifications.steps.migrate),
            metric=cloudwatch.Metric(
                namespace="AWS/States",
                metric_name="ExecutionsFailed",
                dimensions_map={"StateMachineArn": state_machine},
                period=FIVE_MINUTES,
                statistic=SUM,
            ),
            above=0,
            datapoints=(1, 1),
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
