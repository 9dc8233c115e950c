"""Alarms that every scheduled check has."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.severity_alarm import Severity, SeverityAlarm

MIN_FAILURE_PERIOD = Duration.minutes(10)  # Lambda's retries come after one and three minutes
SILENT_PERIODS = 2  # one may be empty when a run starts a little early or late


class CheckAlarms(Construct):
    """A check failed, fell silent, or left a dead letter.

    Attributes: failure, silence, dead_letter.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        check: str,
        function: lambda_.Function,
        dead_letters: sqs.Queue,
        every: Duration,
        retries: int,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, id)
        name = check.replace("_", "-")
        failure_period = Duration.seconds(max(every.to_seconds(), MIN_FAILURE_PERIOD.to_seconds()))
        silent_for = Duration.seconds(SILENT_PERIODS * every.to_seconds())
        self.failure = SeverityAlarm(
            self,
            "Failure",
            prefix=prefix,
            severity=Severity.P4,
            name=f"{name}-failed",
            description=f"the check {check} and its {retries} retries failed within"
            f" {failure_period.to_human_string()}; its log group says why",
            metric=function.metric_errors(period=failure_period, statistic=cloudwatch.Stats.SUM),
            comparison=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            threshold=retries,
            datapoints=(1, 1),
            # Without a run there is no error to count: that is the silence alarm's.
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            topic=topic,
        )
        self.silence = SeverityAlarm(
            self,
            "Silence",
            prefix=prefix,
            severity=Severity.P4,
            name=f"{name}-silent",
            description=f"the check {check} has not run for {silent_for.to_human_string()}; look at its schedule",
            metric=function.metric_invocations(period=every, statistic=cloudwatch.Stats.SUM),
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            threshold=1,
            datapoints=(SILENT_PERIODS, SILENT_PERIODS),
            missing_data=cloudwatch.TreatMissingData.BREACHING,
            topic=topic,
        )
        self.dead_letter = SeverityAlarm(
            self,
            "DeadLetter",
            prefix=prefix,
            severity=Severity.P4,
            name=f"{name}-dead-letters",
            description=f"a run of the check {check} was given up and lies in its dead-letter queue",
            metric=dead_letters.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(5), statistic=cloudwatch.Stats.MAXIMUM
            ),
            comparison=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            threshold=0,
            datapoints=(1, 1),
            # SQS stops publishing for a queue that nobody has touched for hours: it is empty then.
            missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            topic=topic,
        )
