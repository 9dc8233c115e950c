"""Housekeeping in AWS: measures secrets, subscribers and the database's backup, every hour."""

from collections.abc import Sequence
from functools import partial

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.checks.check_permissions import may_describe_database, may_list_subscribers, may_publish
from constructs.checks.declaration import Check, Deployed
from constructs.common.acknowledge import acknowledge
from constructs.common.cloudwatch_metrics import HOUR, MAXIMUM, MINIMUM, check_metric
from constructs.secrets.encrypted_secret import ReadableSecret
from ops_lambdas.housekeeping.core import MAX_RECOVERY_POINT_MINUTES, MAX_RESTORABLE_MINUTES, MAX_SECRET_DAYS

UNCONFIRMED_HOURS = 12  # a new address gets half a day; SNS deletes the subscription after two


def _secrets(deployed: Deployed) -> Sequence[ReadableSecret]:
    """The secrets that are replaced every 90 days."""
    return (*deployed.secrets.replaced, deployed.database.secret, deployed.database.password_secret)


def _settings(deployed: Deployed) -> dict[str, str]:
    return {
        "SECRET_ARNS": ",".join(secret.secret_arn for secret in _secrets(deployed)),
        "EMPTY_SECRET_ARNS": ",".join(secret.secret_arn for secret in deployed.secrets.to_fill),
        "TOPIC_ARN": deployed.alarm_topic.topic.topic_arn,
        "ALARM_EMAILS": ",".join(deployed.environment.alarm_emails),
        "ALARM_PREFIX": f"{deployed.environment.prefix}-p",
        "DATABASE_INSTANCE": deployed.database.instance.instance_identifier,
        "RECOVERY_REGION": deployed.environment.recovery_region if deployed.environment.copies_backups else "",
    }


def _may_describe_secrets(function: lambda_.Function, deployed: Deployed) -> None:
    """Read the age of the secrets' values, but not the values."""
    actions = ["secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds"]
    arns = list(dict.fromkeys(secret.policy_arn for secret in (*_secrets(deployed), *deployed.secrets.to_fill)))
    function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=arns))


def _may_read_alarms(function: lambda_.Function, _deployed: Deployed) -> None:
    """Find the alarms that are in ALARM, and what the last run counted.

    Neither call can be limited to alarms or metrics of one environment.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
    """
    actions = ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"]
    function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=["*"]))
    if function.role:
        acknowledge(
            function.role, "Reading alarms and metrics has no resources of one environment", "IAM5[Resource::*]"
        )


def _may_delete_snapshots(function: lambda_.Function, deployed: Deployed) -> None:
    """Delete the primary's snapshots that were taken by hand; automated ones have other names."""
    stack, database = Stack.of(function), deployed.environment.names.database
    named, every = (
        stack.format_arn(
            service="rds", resource="snapshot", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        for name in (f"{database}-*", "*")
    )
    listed = [deployed.database.arn, every]
    for actions, resources in ((["rds:DescribeDBSnapshots"], listed), (["rds:DeleteDBSnapshot"], [named])):
        function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=resources))
    if function.role:
        for arn, reason in (
            (every, "Listing an instance's snapshots is allowed on all snapshots"),
            (named, "Snapshots of this instance, named when they are taken"),
        ):
            acknowledge(function.role, reason, f"IAM5[Resource::{arn}]")


def _may_find_replicated_backups(function: lambda_.Function, deployed: Deployed) -> None:
    """Describe the instance's automated backups in the recovery region; RDS chooses the name of a replicated one."""
    if not deployed.environment.copies_backups:
        return
    stack, region = Stack.of(function), deployed.environment.recovery_region
    arns = [
        stack.format_arn(
            service="rds",
            region=region,
            resource=kind,
            resource_name=name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        for kind, name in (("db", deployed.environment.names.database), ("auto-backup", "*"))
    ]
    function.add_to_role_policy(iam.PolicyStatement(actions=["rds:DescribeDBInstanceAutomatedBackups"], resources=arns))
    if function.role:
        acknowledge(function.role, "RDS chooses the name of a replicated backup", f"IAM5[Resource::{arns[1]}]")


def _alarms(scope: Construct, context: AlarmContext) -> None:
    """An old secret, an address that is not subscribed, a stale backup.

    Missing data is not breaching: the check has its own alarm for not running.
    """
    steps = context.notifications.steps
    run = steps.check("housekeeping")
    metric = partial(check_metric, environment=context.environment.name, period=HOUR)
    alarm = partial(
        SeverityAlarm,
        scope,
        notifications=context.notifications,
        severity=Severity.P4,
        missing_data=TreatMissingData.NOT_BREACHING,
    )
    alarm(
        "SecretOld",
        name="secret-old",
        problem=f"a secret has not been replaced for over {MAX_SECRET_DAYS} days",
        next_steps=(run, steps.replace_secret, steps.restart),
        metric=metric("OldestSecretDays", statistic=MAXIMUM),
        above=MAX_SECRET_DAYS,
        datapoints=(1, 1),
    )
    alarm(
        "SubscriberUnconfirmed",
        name="subscriber-unconfirmed",
        problem="an address of alarm_emails has not confirmed its subscription, or has unsubscribed",
        next_steps=(run, steps.subscribers, steps.subscribe),
        metric=metric("UnconfirmedSubscribers", statistic=MINIMUM),
        above=0,
        datapoints=(UNCONFIRMED_HOURS, UNCONFIRMED_HOURS),
    )
    alarm(
        "BackupStale",
        name="backup-stale",
        problem=f"the database's latest restorable time has been over {MAX_RESTORABLE_MINUTES} minutes old",
        next_steps=(run, steps.backups, steps.database_events(), steps.back_up),
        metric=metric("RestorableMinutesAgo", statistic=MAXIMUM),
        above=MAX_RESTORABLE_MINUTES,
        datapoints=(1, 1),
    )
    if context.environment.copies_backups:
        alarm(
            "RecoveryPointOld",
            severity=Severity.P2,
            name="recovery-point-old",
            problem=f"a recovery in another region would lose over {MAX_RECOVERY_POINT_MINUTES} minutes of data",
            next_steps=(run, steps.replicated_backups(context.environment.recovery_region), steps.backups),
            metric=metric("RecoveryPointMinutesAgo", statistic=MAXIMUM),
            above=MAX_RECOVERY_POINT_MINUTES,
            datapoints=(1, 1),
        )


CHECK = Check(
    name="housekeeping",
    every=Duration.hours(1),
    timeout=Duration.minutes(2),
    settings=_settings,
    permissions=(
        *(_may_describe_secrets, _may_read_alarms, may_list_subscribers, may_publish, may_describe_database),
        *(_may_delete_snapshots, _may_find_replicated_backups),
    ),
    metrics=3,
    alarms=_alarms,
)
