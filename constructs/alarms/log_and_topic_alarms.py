"""Alarms on logged errors, and on notifications that were not delivered."""

from functools import partial

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.common.cloudwatch_metrics import FIVE_MINUTES, MAXIMUM, NAMESPACE, SUM, check_metric


class LogAndTopicAlarms(Construct):
    """More lines with ERROR than usual, and emails that the topic could not deliver.

    Missing data is not breaching: nothing was logged, nothing was published. A metric filter on plain text
    cannot set dimensions, so the environment is part of the metric's name.
    """

    def __init__(self, scope: Construct, id: str, *, context: AlarmContext) -> None:
        super().__init__(scope, id)
        environment, notifications = context.environment, context.notifications
        steps, max_lines = notifications.steps, environment.max_error_lines
        error_lines = logs.MetricFilter(
            self,
            "ErrorLines",
            log_group=logs.LogGroup.from_log_group_name(self, "Logs", notifications.names.service_log_group),
            filter_pattern=logs.FilterPattern.any_term("ERROR"),
            metric_namespace=NAMESPACE,
            metric_name=f"ErrorLines-{environment.name}",
            metric_value="1",
        )
        alarm = partial(
            SeverityAlarm,
            self,
            notifications=notifications,
            severity=Severity.P4,
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm(
            "ErrorsLogged",
            name="errors-logged",
            problem=f"the application has logged over {max_lines} lines with ERROR, more than usual",
            next_steps=(steps.errors, steps.check("pool_health"), steps.tasks),
            metric=_outside_deployments(error_lines, environment.name),
            above=max_lines,
            datapoints=(2, 3),
        )
        alarm(
            "NotificationsFailed",
            name="notifications-failed",
            problem="the alarm topic could not deliver a message to one of its subscribers",
            next_steps=(steps.subscribers,),
            metric=cloudwatch.Metric(
                namespace="AWS/SNS",
                metric_name="NumberOfNotificationsFailed",
                dimensions_map={"TopicName": notifications.names.alarm_topic},
                period=FIVE_MINUTES,
                statistic=SUM,
            ),
            above=0,
            datapoints=(1, 1),
        )


def _outside_deployments(error_lines: logs.MetricFilter, environment: str) -> cloudwatch.MathExpression:
    """Lines with ERROR while ECS does not replace tasks, which end with errors; a tenth of a composite alarm's price.

    The filter has no default value, so that it is charged only when lines match: 0 stands for none.
    """
    return cloudwatch.MathExpression(
        expression="IF(FILL(deployments, 1) > 1, 0, FILL(lines, 0))",
        using_metrics={
            "lines": error_lines.metric(period=FIVE_MINUTES, statistic=SUM),
            "deployments": check_metric("Deployments", environment, period=FIVE_MINUTES, statistic=MAXIMUM),
        },
        label="lines with ERROR",
        period=FIVE_MINUTES,
    )
