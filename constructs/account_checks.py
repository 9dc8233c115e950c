"""The checks that ask AWS alone, and so run outside the VPC."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

from aws_cdk import Duration
from aws_cdk import aws_rds as rds
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs.alarm_topic import AlarmTopic
from constructs.check_permissions import may_keep_house, may_publish, may_read_costs
from constructs.scheduled_check import Run, ScheduledCheck
from environment import CostBand

MakeCheck = Callable[..., ScheduledCheck]  # what all checks of an environment have in common is given already


def add_cost_report(
    check: MakeCheck,
    settings: Mapping[str, str],
    *,
    alarm_topic: AlarmTopic,
    cost_metric: str,
    cost_bands: Iterable[CostBand],
) -> None:
    """Mail the costs every day, at length on Mondays."""
    report = check(
        "CostReport",
        check="cost_report",
        every=Duration.days(1),
        timeout=Duration.minutes(2),
        settings={
            **settings,
            "TOPIC_ARN": alarm_topic.topic.topic_arn,
            "COST_METRIC": cost_metric,
            "COST_TAG_KEY": "Environment",
            "COST_BANDS": json.dumps([asdict(band) for band in cost_bands]),
        },
        runs={
            "daily": Run(scheduler.ScheduleExpression.cron(hour="8", minute="0"), {"form": "short"}),
            "weekly": Run(scheduler.ScheduleExpression.cron(week_day="MON", hour="8", minute="30"), {"form": "long"}),
        },
    )
    may_read_costs(report.function)
    may_publish(report.function, alarm_topic.topic, alarm_topic.key)


def add_housekeeping(
    check: MakeCheck,
    settings: Mapping[str, str],
    *,
    secrets: Iterable[secretsmanager.ISecret],
    alarm_topic: AlarmTopic,
    alarm_emails: Iterable[str],
    instance: rds.DatabaseInstance,
) -> None:
    """Look every hour at what nobody feels and AWS has no metric for."""
    secrets = tuple(secrets)
    housekeeping = check(
        "Housekeeping",
        check="housekeeping",
        every=Duration.hours(1),
        timeout=Duration.minutes(2),
        settings={
            **settings,
            "SECRET_ARNS": ",".join(secret.secret_arn for secret in secrets),
            "TOPIC_ARN": alarm_topic.topic.topic_arn,
            "ALARM_EMAILS": ",".join(alarm_emails),
            "DATABASE_INSTANCE": instance.instance_identifier,
        },
    )
    may_keep_house(housekeeping.function, secrets=secrets, topic=alarm_topic.topic, instance=instance)
