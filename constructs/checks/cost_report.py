"""The cost report in AWS: emails the costs every day, in the long form on Mondays."""

import json
from dataclasses import asdict
from functools import partial

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.checks.check_permissions import may_publish, may_read_costs
from constructs.checks.declaration import Check, Deployed, Run
from constructs.common.acknowledge import acknowledge
from constructs.common.cloudwatch_metrics import DAY, MAXIMUM, check_metric
from ops_lambdas.cost_report.core import MAX_SERVICE_METRICS

# What is looked at for things that nothing uses, in the whole account and region; and metrics.
_WITHOUT_RESOURCES = (
    *("cloudwatch:GetMetricData", "ec2:DescribeAddresses", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"),
    *("logs:DescribeLogGroups", "rds:DescribeDBSnapshots"),
)


def _settings(deployed: Deployed) -> dict[str, str]:
    environment = deployed.environment
    ceiling = environment.cost_ceiling_usd
    return {
        "TOPIC_ARN": deployed.alarm_topic.topic.topic_arn,
        "STACKS": ",".join(environment.names.stacks),
        "COST_METRIC": environment.cost_metric,
        "COST_TAG_KEY": "Environment",
        "COST_BANDS": json.dumps([asdict(band) for band in environment.cost_bands]),
        "COST_TOLERANCE_PERCENT": str(environment.cost_tolerance_percent),
        "COST_TOLERANCE_USD": str(environment.cost_tolerance_usd),
        **({} if ceiling is None else {"COST_CEILING_USD": str(ceiling)}),
    }


def _may_price_what_is_deployed(function: lambda_.Function, deployed: Deployed) -> None:
    """Read the deployed templates, how many tasks ran, and what nothing uses."""
    stack = Stack.of(function)
    stacks = [
        stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{name}/*")
        for name in deployed.environment.names.stacks
    ]
    repositories = [
        stack.format_arn(service="ecr", resource="repository", resource_name=f"{deployed.environment.prefix}/*")
    ]
    statements = (
        (["cloudformation:GetTemplate"], stacks),
        (["ecr:DescribeImages"], repositories),
        (list(_WITHOUT_RESOURCES), ["*"]),
    )
    for actions, resources in statements:
        function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=resources))
    if function.role:
        for arn in stacks:
            acknowledge(function.role, "One stack; AWS chooses the end of its ARN", f"IAM5[Resource::{arn}]")
        acknowledge(function.role, "Every repository of the environment", f"IAM5[Resource::{repositories[0]}]")


def _alarms(scope: Construct, context: AlarmContext) -> None:
    """A service costs more than its list price; the forecast is above the ceiling, where there is one."""
    environment, steps = context.environment, context.notifications.steps
    alarm = partial(
        SeverityAlarm,
        scope,
        notifications=context.notifications,
        severity=Severity.P4,
        datapoints=(1, 1),
        missing_data=TreatMissingData.NOT_BREACHING,
    )
    metric = partial(check_metric, environment=environment.name, period=DAY, statistic=MAXIMUM)
    alarm(
        "AboveListPrice",
        name="cost-above-list-price",
        problem="a service costs more than what is deployed of it does by list price; today's cost report names it",
        next_steps=(steps.check("cost_report"), steps.cost),
        metric=metric("ServicesAboveListPrice"),
        above=0,
    )
    if environment.cost_ceiling_usd is not None:
        alarm(
            "CostForecast",
            name="cost-forecast",
            problem=f"this month is forecast to cost over {environment.cost_ceiling_usd} USD, its ceiling",
            next_steps=(steps.check("cost_report"), steps.cost, "compare cost_ceiling_usd in config.py"),
            metric=metric("ForecastCost"),
            above=environment.cost_ceiling_usd,
        )


CHECK = Check(
    name="cost_report",
    every=Duration.days(1),
    timeout=Duration.minutes(5),
    settings=_settings,
    permissions=(may_read_costs, may_publish, _may_price_what_is_deployed),
    runs={
        "daily": Run(scheduler.ScheduleExpression.cron(hour="8", minute="0"), {"form": "short"}),
        "weekly": Run(scheduler.ScheduleExpression.cron(week_day="MON", hour="8", minute="30"), {"form": "long"}),
    },
    metrics=3 + MAX_SERVICE_METRICS,
    alarms=_alarms,
)
