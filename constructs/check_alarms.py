"""Alarms that every scheduled check has."""

from functools import partial

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.channel import Channel, Severity
from constructs.metrics import FIVE_MINUTES, MAXIMUM, SUM
from constructs.severity_alarm import SeverityAlarm, Silence

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
        channel: Channel,
        check: str,
        function: lambda_.Function,
        dead_letters: sqs.Queue,
        every: Duration,
        retries: int,
    ) -> None:
        super().__init__(scope, id)
        name, steps = check.replace("_", "-"), channel.steps
        failure_period = Duration.seconds(max(every.to_seconds(), MIN_FAILURE_PERIOD.to_seconds()))
        p4 = partial(SeverityAlarm, self, channel=channel, severity=Severity.P4)
        self.failure = p4(
            "Failure",
            name=f"{name}-failed",
            section="p4-check-failed",
            problem=f"the check {check} and its {retries} retries failed",
            next_steps=(steps.check_log(check), steps.check(check)),
            metric=function.metric_errors(period=failure_period, statistic=SUM),
            above=retries,
            datapoints=(1, 1),
            # Without a run there is no error to count: that is the silence alarm's.
            silence=Silence.IS_FINE,
        )
        self.silence = p4(
            "Silence",
            name=f"{name}-silent",
            section="p4-check-silent",
            problem=f"the check {check} has not run",
            next_steps=(steps.schedule(check), steps.check(check)),
            metric=function.metric_invocations(period=every, statistic=SUM),
            below=1,
            datapoints=(SILENT_PERIODS, SILENT_PERIODS),
            silence=Silence.BREACHES,
        )
        self.dead_letter = p4(
            "DeadLetter",
            name=f"{name}-dead-letters",
            section="p4-check-dead-letters",
            problem=f"a run of the check {check} was given up and lies in its dead-letter queue",
            next_steps=(steps.dead_letters(check), steps.check_log(check), steps.check(check), steps.purge(check)),
            metric=dead_letters.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES, statistic=MAXIMUM),
            above=0,
            datapoints=(1, 1),
            # SQS stops publishing for a queue that nobody has touched for hours: it is empty then.
            silence=Silence.IS_FINE,
        )
