"""States in which alarms keep quiet: a deployment is under way, or no task is meant to run."""

from dataclasses import replace

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs import Construct
from constructs.channel import Channel, Severity
from constructs.metrics import MAXIMUM, MINUTE, insights_metric
from constructs.severity_alarm import SeverityAlarm, Silence

MAX_DEPLOYMENT_MINUTES = 30  # three times what replacing every task takes
ALARM = cloudwatch.AlarmState.ALARM


class Standstill(cloudwatch.Alarm):
    """In alarm while the service is meant to have no task, as in off-hours. It speaks to nobody."""

    def __init__(self, scope: Construct, id: str, *, prefix: str) -> None:
        super().__init__(
            scope,
            id,
            alarm_name=f"{prefix}-state-standstill",
            alarm_description="State, no incident: no task is meant to run, so an outage is none.",
            metric=insights_metric("DesiredTaskCount", prefix, period=MINUTE, statistic=MAXIMUM),
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,  # rather cry than miss an outage
        )


class QuietDeployments(Construct):
    """Keeps alarms quiet that a deployment sets off by itself, but not when it takes too long.

    Args:
        channel: with its `outage`.
    Attributes: alarms; channel, whose `outage_or_deployment` is set.
    """

    def __init__(self, scope: Construct, id: str, *, channel: Channel) -> None:
        super().__init__(scope, id)
        assert channel.outage  # noqa: S101 - deployments come after outages
        prefix, steps = channel.prefix, channel.steps
        deployments = insights_metric("DeploymentCount", prefix, period=MINUTE, statistic=MAXIMUM)
        under_way = cloudwatch.Alarm(
            self,
            "UnderWay",
            alarm_name=f"{prefix}-state-deployment",
            alarm_description="State, no incident: ECS is replacing tasks.",
            metric=deployments,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        overdue = SeverityAlarm(
            self,
            "Overdue",
            channel=channel,
            severity=Severity.P4,
            name="deployment-overdue",
            problem="ECS has been replacing tasks and has not finished",
            next_steps=(steps.events, steps.why_stopped, steps.rollback),
            metric=deployments,
            above=1,
            datapoints=(MAX_DEPLOYMENT_MINUTES, MAX_DEPLOYMENT_MINUTES),
            silence=Silence.IS_FINE,
        )
        rule = cloudwatch.AlarmRule
        outage_or_deployment = cloudwatch.CompositeAlarm(
            self,
            "OutageOrDeployment",
            composite_alarm_name=f"{prefix}-state-outage-or-deployment",
            alarm_description="State, no incident: an outage, or a deployment that is not overdue.",
            alarm_rule=rule.any_of(
                rule.from_alarm(channel.outage, ALARM),
                rule.all_of(rule.from_alarm(under_way, ALARM), rule.not_(rule.from_alarm(overdue, ALARM))),
            ),
        )
        self.alarms = [overdue]
        self.channel = replace(channel, outage_or_deployment=outage_or_deployment)
