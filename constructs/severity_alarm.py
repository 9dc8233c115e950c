"""Alarms that say how bad it is."""

from enum import IntEnum

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from constructs import Construct


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


class SeverityAlarm(cloudwatch.Alarm):
    """An alarm `<prefix>-p<severity>-<name>` that publishes to `topic`; P1 and P2 also when all is well again.

    Args:
        description: what is wrong, for how long, and what to do.
        datapoints: M of the last N periods must breach, as (M, N).
        missing_data: what a period without data means; always stated.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        severity: Severity,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        comparison: cloudwatch.ComparisonOperator,
        threshold: float,
        datapoints: tuple[int, int],
        missing_data: cloudwatch.TreatMissingData,
        topic: sns.ITopic,
    ) -> None:
        needed, periods = datapoints
        super().__init__(
            scope,
            id,
            alarm_name=f"{prefix}-p{severity}-{name}",
            alarm_description=f"P{severity}: {description}",
            metric=metric,
            comparison_operator=comparison,
            threshold=threshold,
            datapoints_to_alarm=needed,
            evaluation_periods=periods,
            treat_missing_data=missing_data,
        )
        action = actions.SnsAction(topic)
        self.add_alarm_action(action)
        if severity <= Severity.P2:
            self.add_ok_action(action)
