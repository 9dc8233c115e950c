"""Where alarms and event rules publish, what their emails contain, and what suppresses them."""

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from constructs.alarms.next_steps import NextSteps
from constructs.alarms.severity import Severity
from environment import Environment
from names import Names

MAX_DESCRIPTION = 1024  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html


@dataclass(frozen=True, kw_only=True)
class Notifications:
    """Where an environment's alarms publish, and what their emails contain.

    Attributes:
        runbook: its URL or path, without "#" and section.
        steps: commands for the emails.
    """

    names: Names
    runbook: str
    topic: sns.ITopic
    steps: NextSteps

    def description(self, severity: Severity, problem: str, next_steps: tuple[str, ...], section: str) -> str:
        """The description of an alarm, which is the text of its email.

        Raises:
            ValueError: it is longer than CloudWatch allows.
        """
        steps = "\n".join(next_steps)
        text = f"P{severity}: {problem}.\n\nNext:\n{steps}\n\nRunbook: {self.runbook}#{section}"
        if len(text) > MAX_DESCRIPTION:
            raise ValueError(f"description of {section} must be at most {MAX_DESCRIPTION} characters, is {len(text)}")
        return text


@dataclass(frozen=True, kw_only=True)
class AlarmContext:
    """What a construct needs to create alarms below P1, and what suppresses those that it sets off itself.

    Attributes:
        outage: `p1-outage`.
        outage_or_deployment: an outage, or a deployment that is not overdue.
        outage_or_database: an outage, or `p2-database-missing-data`.
    """

    environment: Environment
    notifications: Notifications
    outage: cloudwatch.IAlarm
    outage_or_deployment: cloudwatch.IAlarm
    outage_or_database: cloudwatch.IAlarm
