"""How an environment's alarms speak: to whom, in which words, and when they keep quiet."""

from dataclasses import dataclass
from enum import IntEnum

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from constructs import Construct
from constructs.next_steps import NextSteps

MAX_DESCRIPTION = 1024  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
# An outage is known a little later than its first symptoms, and over a little earlier than its last.
QUIET_WAIT, QUIET_EXTENSION = Duration.minutes(2), Duration.minutes(3)


class Severity(IntEnum):
    """The runbook's incident levels."""

    P1 = 1
    """Complete outage, all users affected."""
    P2 = 2
    """Partial outage, significant impact."""
    P3 = 3
    """Degraded performance."""
    P4 = 4
    """Minor issue."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """How the alarms of an environment speak, and which states keep those below P1 quiet.

    Attributes:
        runbook: what an alarm's anchor is appended to, with "#" between.
        outage: state in which every alarm below P1 keeps quiet.
        outage_or_deployment: the same for alarms that a deployment sets off by itself.
    """

    prefix: str
    runbook: str
    topic: sns.ITopic
    steps: NextSteps
    outage: cloudwatch.IAlarm | None = None
    outage_or_deployment: cloudwatch.IAlarm | None = None

    def describe(self, severity: Severity, problem: str, next_steps: tuple[str, ...], section: str) -> str:
        """The description of an alarm, which is the text of its mail.

        Raises:
            ValueError: it is longer than CloudWatch takes.
        """
        steps = "\n".join(next_steps)
        text = f"P{severity}: {problem}.\n\nNext:\n{steps}\n\nRunbook: {self.runbook}#{section}"
        if len(text) > MAX_DESCRIPTION:
            raise ValueError(f"description of {section} must be at most {MAX_DESCRIPTION} characters, is {len(text)}")
        return text


class Notice(cloudwatch.CompositeAlarm):
    """A composite alarm that publishes to `topic`, unless `quiet_while` is in alarm.

    What it kept to itself meanwhile it says afterwards, if it is still so.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        description: str,
        rule: cloudwatch.IAlarmRule,
        topic: sns.ITopic,
        has_ok_action: bool,
        quiet_while: cloudwatch.IAlarm | None = None,
        quiet_wait: Duration = QUIET_WAIT,
        quiet_extension: Duration = QUIET_EXTENSION,
    ) -> None:
        super().__init__(
            scope,
            id,
            composite_alarm_name=name,
            alarm_description=description,
            alarm_rule=rule,
            actions_suppressor=quiet_while,
            actions_suppressor_wait_period=quiet_wait if quiet_while else None,
            actions_suppressor_extension_period=quiet_extension if quiet_while else None,
        )
        action = actions.SnsAction(topic)
        self.add_alarm_action(action)
        if has_ok_action:
            self.add_ok_action(action)
