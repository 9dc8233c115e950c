"""Alarms that every scheduled check has."""

import math

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.severity_alarm import Severity, SeverityAlarm

FAILED_FOR = Duration.minutes(10)
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
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, id)
        name = check.replace("_", "-")
        # A run that fails is tried again, so a check that runs often has failed when it stays so.
        failed_periods = max(1, math.ceil(FAILED_FOR.to_seconds() / every.to_seconds()))
        self.failure = SeverityAlarm(
            self,
            "Failure",
            prefix=prefix,
            severity=Severity.P4,
            name=f"{name}-failed",
            description=f"the check {check} has failed for {_times(failed_periods, every)}; its log group says why",
            metric=function.metric_errors(period=every, statistic=cloudwatch.Stats.SUM),
            comparison=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            threshold=0,
            datapoints=(failed_periods, failed_periods),
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
            description=f"the check {check} has not run for {_times(SILENT_PERIODS, every)}; look at its schedule",
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


def _times(periods: int, every: Duration) -> str:
    return Duration.seconds(periods * every.to_seconds()).to_human_string()
