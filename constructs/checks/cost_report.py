"""The cost report in AWS: emails the costs every day, in the long form on Mondays."""

import json
from dataclasses import asdict

from aws_cdk import Duration
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.checks.check_permissions import may_publish, may_read_costs
from constructs.checks.declaration import Check, Deployed, Run
from constructs.common.cloudwatch_metrics import DAY, MAXIMUM, check_metric


def _settings(deployed: Deployed) -> dict[str, str]:
    environment = deployed.environment
    return {
        "TOPIC_ARN": deployed.alarm_topic.topic.topic_arn,
        "COST_METRIC": environment.cost_metric,
        "COST_TAG_KEY": "Environment",
        "COST_BANDS": json.dumps([asdict(band) for band in environment.cost_bands]),
    }


def _alarms(scope: Construct, context: AlarmContext) -> None:
    """The forecast is above the band of all costs, where there is one."""
    environment, steps = context.environment, context.notifications.steps
    max_usd = environment.max_monthly_usd
    if max_usd is not None:
        SeverityAlarm(
            scope,
            "CostForecast",
            notifications=context.notifications,
            severity=Severity.P4,
            name="cost-forecast",
            problem=f"this month is forecast to cost over {max_usd:g} USD, the upper end of its band",
            next_steps=(steps.check("cost_report"), "compare the bands with cost_bands in config.py"),
            metric=check_metric("ForecastCost", environment.name, period=DAY, statistic=MAXIMUM),
            above=max_usd,
            datapoints=(1, 1),
            missing_data=TreatMissingData.NOT_BREACHING,
        )


CHECK = Check(
    name="cost_report",
    every=Duration.days(1),
    timeout=Duration.minutes(2),
    settings=_settings,
    permissions=(may_read_costs, may_publish),
    runs={
        "daily": Run(scheduler.ScheduleExpression.cron(hour="8", minute="0"), {"form": "short"}),
        "weekly": Run(scheduler.ScheduleExpression.cron(week_day="MON", hour="8", minute="30"), {"form": "long"}),
    },
    metrics=5,
    alarms=_alarms,
)
