"""Composite alarms that notify: only their actions can be suppressed."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from constructs import Construct

# An outage is detected a little later than its first symptoms, and ends a little earlier than its last.
SUPPRESSOR_WAIT, SUPPRESSOR_EXTENSION = Duration.minutes(2), Duration.minutes(3)


class NotifyingAlarm(cloudwatch.CompositeAlarm):
    """A composite alarm that publishes to `topic`, unless `suppressed_by` is in ALARM.

    When the suppression ends, it notifies if it is still in ALARM.

    Args:
        has_ok_action: notify also when it is OK again.
        suppressor_wait: how long it waits for `suppressed_by` before it notifies.
        suppressor_extension: how long it stays suppressed after `suppressed_by`.
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
        suppressed_by: cloudwatch.IAlarm | None,
        suppressor_wait: Duration = SUPPRESSOR_WAIT,
        suppressor_extension: Duration = SUPPRESSOR_EXTENSION,
    ) -> None:
        super().__init__(
            scope,
            id,
            composite_alarm_name=name,
            alarm_description=description,
            alarm_rule=rule,
            actions_suppressor=suppressed_by,
            actions_suppressor_wait_period=suppressor_wait if suppressed_by else None,
            actions_suppressor_extension_period=suppressor_extension if suppressed_by else None,
        )
        action = actions.SnsAction(topic)
        self.add_alarm_action(action)
        if has_ok_action:
            self.add_ok_action(action)
