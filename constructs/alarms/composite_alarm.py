"""What alarms do when they notify, and composite alarms: only their actions can be suppressed."""

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
        notify(self, topic, has_ok_action=has_ok_action)


def notify(alarm: cloudwatch.AlarmBase, topic: sns.ITopic, *, has_ok_action: bool) -> None:
    """Publish to `topic` when `alarm` goes into ALARM and, with `has_ok_action`, when it is OK again."""
    action = actions.SnsAction(topic)
    alarm.add_alarm_action(action)
    if has_ok_action:
        alarm.add_ok_action(action)


def state_of(
    scope: Construct, id: str, *, name: str, state: str, rule: cloudwatch.IAlarmRule
) -> cloudwatch.CompositeAlarm:
    """A composite alarm that is no incident and has no action: other alarms are suppressed by it.

    Args:
        state: what is true while it is in ALARM.
    """
    return cloudwatch.CompositeAlarm(
        scope,
        id,
        composite_alarm_name=name,
        alarm_description=f"State, not an incident: {state}.",
        alarm_rule=rule,
    )


def in_alarm(*alarms: cloudwatch.IAlarm) -> cloudwatch.IAlarmRule:
    """The rule that at least one of `alarms` is in ALARM."""
    return cloudwatch.AlarmRule.any_of(
        *(cloudwatch.AlarmRule.from_alarm(one, cloudwatch.AlarmState.ALARM) for one in alarms)
    )
