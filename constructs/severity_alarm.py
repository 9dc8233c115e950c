"""Alarms that say how bad it is, since when, what to do next and where to read on."""

from enum import Enum

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs import Construct
from constructs.channel import Channel, Notice, Severity

_UNITS = {"day": 86400, "hour": 3600, "minute": 60}


class Silence(Enum):
    """What a period without data means."""

    BREACHES = cloudwatch.TreatMissingData.BREACHING
    IS_FINE = cloudwatch.TreatMissingData.NOT_BREACHING


class SeverityAlarm(cloudwatch.Alarm):
    """An alarm `<prefix>-p<severity>-<name>`.

    One of P1 acts through the composite alarm `p1-outage` only. One below P1 acts through a composite
    alarm of its own, `<prefix>-p<severity>-<name>-notice`, because only composite alarms can be kept quiet; it
    publishes to the channel's topic, and one of P2 also when all is well again.

    Args:
        problem: what is wrong, as a clause; for how long is added.
        next_steps: commands or procedures, the first first.
        section: anchor in the runbook, when it is not `p<severity>-<name>`.
        above, below: the threshold, one of the two.
        datapoints: M of the last N periods must breach, as (M, N).
        silence: what a period without data means.
        is_quiet_in_deployment: a deployment sets it off by itself.
    Attributes: severity, description; notice, or None.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        channel: Channel,
        severity: Severity,
        name: str,
        problem: str,
        next_steps: tuple[str, ...],
        metric: cloudwatch.Metric | cloudwatch.MathExpression,
        datapoints: tuple[int, int],
        silence: Silence,
        above: float | None = None,
        below: float | None = None,
        section: str | None = None,
        is_quiet_in_deployment: bool = False,
    ) -> None:
        if (above is None) == (below is None):
            raise ValueError(f"{name} must have one of above and below")
        operators = cloudwatch.ComparisonOperator
        needed, periods = datapoints
        self.severity = severity
        period_seconds = int(metric.period.to_seconds())
        statistic = metric.statistic if isinstance(metric, cloudwatch.Metric) else ""
        full_name = alarm_name(channel.prefix, severity, name)
        self.description = channel.describe(
            severity,
            f"{problem}, {_for_how_long(period_seconds, needed, periods)}",
            next_steps,
            section or f"p{severity}-{name}",
        )
        super().__init__(
            scope,
            id,
            alarm_name=full_name,
            alarm_description=self.description,
            metric=metric,
            comparison_operator=operators.LESS_THAN_THRESHOLD if above is None else operators.GREATER_THAN_THRESHOLD,
            threshold=above if below is None else below,  # type: ignore[arg-type]
            datapoints_to_alarm=needed,
            evaluation_periods=periods,
            treat_missing_data=silence.value,
            # A percentile of a handful of requests says nothing.
            evaluate_low_sample_count_percentile="ignore" if statistic.startswith("p") else None,
        )
        self.notice: cloudwatch.CompositeAlarm | None = None
        if severity > Severity.P1:
            self.notice = Notice(
                scope,
                f"{id}Notice",
                name=f"{full_name}-notice",
                description=self.description,
                rule=cloudwatch.AlarmRule.from_alarm(self, cloudwatch.AlarmState.ALARM),
                topic=channel.topic,
                has_ok_action=severity == Severity.P2,
                quiet_while=channel.outage_or_deployment if is_quiet_in_deployment else channel.outage,
            )


def alarm_name(prefix: str, severity: Severity, name: str) -> str:
    """The name of an alarm, for where the alarm itself cannot be named."""
    return f"{prefix}-p{severity}-{name}"


def deployment_alarms(prefix: str) -> tuple[str, str]:
    """Names of the alarms that end a deployment and roll it back."""
    return alarm_name(prefix, Severity.P1, "no-healthy-target"), alarm_name(prefix, Severity.P2, "error-rate")


def _for_how_long(period_seconds: int, needed: int, periods: int) -> str:
    if needed < periods:
        return f"in {needed} of the last {periods} periods of {_length(period_seconds)}"
    length = _length(period_seconds * periods)
    return f"for {length}" if periods > 1 else f"in the last {length.removeprefix('1 ')}"


def _length(seconds: int) -> str:
    """Whole minutes, hours or days in words, without asking the CDK, which takes a round trip to Node."""
    unit, size = next((unit, size) for unit, size in _UNITS.items() if seconds % size == 0)
    return f"{seconds // size} {unit}{'s' if seconds > size else ''}"
