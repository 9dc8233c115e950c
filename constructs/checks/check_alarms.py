"""Alarms that every scheduled check has."""

from functools import partial

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.checks.declaration import Check
from constructs.common import runbook_sections as runbook
from constructs.common.cloudwatch_metrics import FIVE_MINUTES, MAXIMUM, SUM

MIN_FAILURE_PERIOD = Duration.minutes(10)  # Lambda retries after one and three minutes
# The deployment that creates the alarm starts the first run when it ends; until then the alarm is in ALARM.
FIRST_RUN_WITHIN = Duration.minutes(15)
EMPTY_PERIODS = 2  # one may be empty when a run starts a little early or late


class CheckAlarms(Construct):
    """A check failed, has not run, or left a message in its dead-letter queue.

    Attributes: failed, not_running, dead_letter.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: AlarmContext,
        check: Check,
        function: lambda_.Function,
        dead_letter_queue: sqs.Queue,
        retries: int,
    ) -> None:
        super().__init__(scope, id)
        notifications, steps = context.notifications, context.notifications.steps
        name, hyphened, every = check.name, check.name.replace("_", "-"), check.every
        queue = notifications.names.check_dead_letter_queue(name)
        failure_period = Duration.seconds(max(every.to_seconds(), MIN_FAILURE_PERIOD.to_seconds()))
        p4 = partial(
            SeverityAlarm, self, notifications=notifications, severity=Severity.P4, suppressed_by=context.outage
        )
        self.failed = p4(
            "Failure",
            name=f"{hyphened}-failed",
            section=runbook.CHECK_FAILED,
            problem=f"the check {name} and its {retries} retries failed",
            next_steps=(steps.check_log(name), steps.check(name)),
            metric=function.metric_errors(period=failure_period, statistic=SUM),
            above=retries,
            datapoints=(1, 1),
            # Without a run there is no error to count; the next alarm covers that.
            missing_data=TreatMissingData.NOT_BREACHING,
        )
        self.not_running = p4(
            "NotRunning",
            name=f"{hyphened}-not-running",
            section=runbook.CHECK_NOT_RUNNING,
            problem=f"the check {name} has not run",
            next_steps=(steps.schedule(name), steps.check(name)),
            metric=function.metric_invocations(period=every, statistic=SUM),
            below=1,
            datapoints=(EMPTY_PERIODS, EMPTY_PERIODS),
            missing_data=TreatMissingData.BREACHING,
            notify_after=FIRST_RUN_WITHIN,
        )
        self.dead_letter = p4(
            "DeadLetter",
            name=f"{hyphened}-dead-letters",
            section=runbook.CHECK_DEAD_LETTERS,
            problem=f"a failed run of the check {name} has been in its dead-letter queue",
            next_steps=(steps.dead_letters(queue), steps.check_log(name), steps.check(name), steps.purge(queue)),
            metric=dead_letter_queue.metric_approximate_number_of_messages_visible(
                period=FIVE_MINUTES, statistic=MAXIMUM
            ),
            above=0,
            datapoints=(1, 1),
            # SQS stops publishing for a queue that has been idle for hours: it is empty then.
            missing_data=TreatMissingData.NOT_BREACHING,
        )
