"""The alarms that every scheduled check has."""

from collections.abc import Sequence
from functools import partial

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.composite_alarm import NotifyingAlarm, in_alarm
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.checks.declaration import Check
from constructs.common import runbook_sections as runbook
from constructs.common.cloudwatch_metrics import SUM

# The deployment that creates the alarm starts the first run when it ends; until then the alarm is in ALARM.
FIRST_RUN_WITHIN = Duration.minutes(15)
# Longer than that and the quarter of an hour that metrics of an idle queue may be late: else it never notifies.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-monitoring-using-cloudwatch.html
MIN_FAILURE_PERIOD = Duration.hours(1)
MIN_SILENCE_PERIOD = Duration.minutes(5)  # Lambda's metrics are a minute or two late
EMPTY_PERIODS = 2  # one may be empty when a run starts a little early or late


class CheckAlarms(Construct):
    """Two alarms for each check: a run failed for good, and the check has not run.

    A run that failed and its retries, like one that could not be started, is a message sent to the dead-letter queue.
    What stays there keeps no alarm on. Failures notify by themselves, also in an outage: to suppress them costs more
    than their emails do.

    Attributes: failed; not_running, of which CheckNotRunning notifies.
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
    ) -> None:
        super().__init__(scope, id)
        notifications, steps = context.notifications, context.notifications.steps
        name, hyphened, every = check.name, check.name.replace("_", "-"), check.every
        queue = notifications.names.check_dead_letter_queue(name)
        failure_period = Duration.seconds(max(every.to_seconds(), MIN_FAILURE_PERIOD.to_seconds()))
        silence_period = Duration.seconds(max(every.to_seconds(), MIN_SILENCE_PERIOD.to_seconds()))
        log, run, letters = steps.check_log(name), steps.check(name), steps.dead_letters(queue)
        p4 = partial(SeverityAlarm, self, notifications=notifications, severity=Severity.P4)
        self.failed = p4(
            "Failure",
            name=f"{hyphened}-failed",
            section=runbook.CHECK_FAILED,
            problem=f"a run of the check {name} failed for good, or could not be started",
            next_steps=(log, letters, run, steps.purge(queue)),
            metric=dead_letter_queue.metric_number_of_messages_sent(period=failure_period, statistic=SUM),
            above=0,
            datapoints=(1, 1),
            missing_data=TreatMissingData.NOT_BREACHING,  # nothing was sent
        )
        self.not_running = p4(
            "NotRunning",
            name=f"{hyphened}-not-running",
            section=runbook.CHECK_NOT_RUNNING,
            problem=f"the check {name} has not run",
            next_steps=(steps.schedule(name), run),
            metric=function.metric_invocations(period=silence_period, statistic=SUM),
            below=1,
            datapoints=(EMPTY_PERIODS, EMPTY_PERIODS),
            missing_data=TreatMissingData.BREACHING,
            is_part=True,
        )


class CheckNotRunning(Construct):
    """One composite alarm for all checks: at least one has not run.

    It waits for the first run of a check before it notifies, which an alarm cannot.
    """

    def __init__(self, scope: Construct, id: str, *, context: AlarmContext, alarms: Sequence[CheckAlarms]) -> None:
        super().__init__(scope, id)
        notifications = context.notifications
        alarm = notifications.names.alarm(Severity.P4, "check-not-running")
        NotifyingAlarm(
            self,
            "Notification",
            name=notifications.names.notification(alarm),
            description=notifications.description(
                Severity.P4,
                "a check has not run; the alarms that end in -not-running say which",
                (notifications.steps.not_running, notifications.steps.schedules),
                runbook.CHECK_NOT_RUNNING,
            ),
            rule=in_alarm(*(each.not_running for each in alarms)),
            topic=notifications.topic,
            has_ok_action=False,
            suppressed_by=context.outage_or_database,
            suppressor_wait=FIRST_RUN_WITHIN,
        )
