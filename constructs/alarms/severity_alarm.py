"""Alarms whose emails state how bad it is, for how long, what to do next, and which section to open."""

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs import Construct
from constructs.alarms.composite_alarm import NotifyingAlarm, notify
from constructs.alarms.notifications import Notifications
from constructs.alarms.severity import Severity

_UNITS = {"day": 86400, "hour": 3600, "minute": 60}


class SeverityAlarm(cloudwatch.Alarm):
    """An alarm `<prefix>-p<severity>-<name>`.

    It notifies by itself. Where something else sets it off, it notifies through a composite alarm
    `<prefix>-p<severity>-<name>-notification`, because only a composite alarm's actions can be suppressed. P1 alarms
    notify through the composite alarm `p1-outage`. A P2 alarm also notifies when it is OK again.

    Args:
        problem: what is wrong, as a clause; the duration is appended.
        next_steps: commands or procedures, in order.
        section: anchor in the runbook, when it is not `p<severity>-<name>`.
        above, below: the threshold, one of the two.
        datapoints: M of the last N periods must breach, as (M, N).
        missing_data: how a period without data is treated.
        suppressed_by: suppresses the notification while it is in ALARM.
        is_part: a composite alarm notifies of this and other alarms; true of every P1 alarm.
    Attributes: severity, description.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        notifications: Notifications,
        severity: Severity,
        name: str,
        problem: str,
        next_steps: tuple[str, ...],
        metric: cloudwatch.Metric | cloudwatch.MathExpression,
        datapoints: tuple[int, int],
        missing_data: cloudwatch.TreatMissingData,
        suppressed_by: cloudwatch.IAlarm | None = None,
        above: float | None = None,
        below: float | None = None,
        section: str | None = None,
        is_part: bool = False,
    ) -> None:
        operator, threshold = _threshold(name, above, below)
        is_part = is_part or severity == Severity.P1
        if is_part and suppressed_by is not None:
            raise ValueError(f"{name} must not have suppressed_by, its composite alarm has it")
        needed, periods = datapoints
        self.severity = severity
        period_seconds = int(metric.period.to_seconds())
        full_name = notifications.names.alarm(severity, name)
        problem = f"{problem}, {_for_how_long(period_seconds, needed, periods)}"
        self.description = notifications.description(severity, problem, next_steps, section or f"p{severity}-{name}")
        super().__init__(
            scope,
            id,
            alarm_name=full_name,
            alarm_description=self.description,
            metric=metric,
            comparison_operator=operator,
            threshold=threshold,
            datapoints_to_alarm=needed,
            evaluation_periods=periods,
            treat_missing_data=missing_data,
        )
        has_ok_action = severity == Severity.P2
        if suppressed_by is not None:
            NotifyingAlarm(
                scope,
                f"{id}Notification",
                name=notifications.names.notification(full_name),
                description=self.description,
                rule=cloudwatch.AlarmRule.from_alarm(self, cloudwatch.AlarmState.ALARM),
                topic=notifications.topic,
                has_ok_action=has_ok_action,
                suppressed_by=suppressed_by,
            )
        elif not is_part:
            notify(self, notifications.topic, has_ok_action=has_ok_action)


class StateAlarm(cloudwatch.Alarm):
    """An alarm `<prefix>-state-<name>` that is not an incident and has no action: other alarms refer to its state.

    Missing data is not breaching: an unknown state suppresses nothing.

    Args:
        state: what is true while it is in ALARM.
        above, below: the threshold, one of the two.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        state: str,
        metric: cloudwatch.Metric,
        above: float | None = None,
        below: float | None = None,
    ) -> None:
        operator, threshold = _threshold(name, above, below)
        super().__init__(
            scope,
            id,
            alarm_name=name,
            alarm_description=f"State, not an incident: {state}.",
            metric=metric,
            comparison_operator=operator,
            threshold=threshold,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def _threshold(name: str, above: float | None, below: float | None) -> tuple[cloudwatch.ComparisonOperator, float]:
    if above is not None and below is None:
        return cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD, above
    if below is not None and above is None:
        return cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD, below
    raise ValueError(f"{name} must have one of above and below, got {above} and {below}")


def _for_how_long(period_seconds: int, needed: int, periods: int) -> str:
    if needed < periods:
        return f"in {needed} of the last {periods} periods of {_length(period_seconds)}"
    length = _length(period_seconds * periods)
    return f"for {length}" if periods > 1 else f"in the last {length.removeprefix('1 ')}"


def _length(seconds: int) -> str:
    """Whole minutes, hours or days in words, without asking the CDK, which takes a round trip to Node."""
    unit, size = next((unit, size) for unit, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // size} {unit}{'s' if seconds > size else ''}"
