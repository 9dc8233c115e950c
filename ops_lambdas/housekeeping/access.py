"""AWS calls of housekeeping. No secret's value is read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ops_lambdas.housekeeping.core import Instance, Secret, Snapshot, Subscription
from ops_lambdas.housekeeping.report import CONFIRMED_SUBSCRIBERS, SECRETS_DUE
from ops_lambdas.housekeeping.standing_alarms import StandingAlarm
from ops_lambdas.shared.aws_errors import AWS_ERRORS
from ops_lambdas.shared.metrics import NAMESPACE
from ops_lambdas.shared.topic import TopicError

# A service that does not answer costs 18 s, pauses included; three of them stay below the function's two minutes.
_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


_REMEMBERED = timedelta(days=14)
_REMINDED = timedelta(hours=3)  # of runs every hour; nothing is published while none is due


# What reading an answer of another shape than the documented one raises.
_UNEXPECTED = (LookupError, TypeError, AttributeError, ValueError, OverflowError)


class NotCheckedError(RuntimeError):
    """Something could not be checked; names what, and why."""


@contextmanager
def collected(failures: list[str], what: str) -> Iterator[None]:
    """Add to `failures` why `what` could not be checked, and continue after the block."""
    try:
        yield
    except (NotCheckedError, TopicError, *AWS_ERRORS) as error:
        failures.append(f"{what}: {error}")
    except _UNEXPECTED as error:
        failures.append(f"{what}: AWS answered otherwise than documented: {_named(error)}")


def instance(identifier: str) -> Instance:
    """Describe the DB instance; needs `rds:DescribeDBInstances`.

    Raises:
        NotCheckedError: RDS has not finished creating it.
        BotoCoreError, ClientError: RDS could not be queried, or does not know it.
    """
    client = boto3.client("rds", config=_CONFIG)
    described = client.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
    if not described:
        raise NotCheckedError("RDS describes no such instance")
    found = described[0]
    status = found.get("DBInstanceStatus", "unknown")
    if "InstanceCreateTime" not in found:
        raise NotCheckedError(f"it has not been created yet, its status is {status}")
    return Instance(status, found["InstanceCreateTime"], found.get("LatestRestorableTime"))


def replicated_backups(identifier: str, region: str) -> tuple[datetime, ...]:
    """Read how far the instance's backups in another region reach.

    Needs `rds:DescribeDBInstanceAutomatedBackups` there.

    Raises:
        BotoCoreError, ClientError: RDS could not be queried.
    """
    client = boto3.client("rds", region_name=region, config=_CONFIG)
    pages = client.get_paginator("describe_db_instance_automated_backups").paginate(DBInstanceIdentifier=identifier)
    try:
        found = [one for page in pages for one in page["DBInstanceAutomatedBackups"]]
    except client.exceptions.DBInstanceAutomatedBackupNotFoundFault:
        return ()
    return tuple(one["RestoreWindow"]["LatestTime"] for one in found if one.get("RestoreWindow", {}).get("LatestTime"))


def snapshots(identifier: str) -> tuple[Snapshot, ...]:
    """List the instance's snapshots that were taken by hand; needs `rds:DescribeDBSnapshots`.

    Raises:
        BotoCoreError, ClientError: RDS could not be queried.
    """
    client = boto3.client("rds", config=_CONFIG)
    pages = client.get_paginator("describe_db_snapshots").paginate(
        DBInstanceIdentifier=identifier, SnapshotType="manual"
    )
    return tuple(
        Snapshot(
            one["DBSnapshotIdentifier"], one["Status"], {tag["Key"]: tag["Value"] for tag in one.get("TagList", [])}
        )
        for page in pages
        for one in page["DBSnapshots"]
    )


def delete_snapshot(identifier: str) -> None:
    """Delete a snapshot, unless it is gone already; needs `rds:DeleteDBSnapshot`.

    Raises:
        BotoCoreError, ClientError: RDS could not be asked, or refuses.
    """
    client = boto3.client("rds", config=_CONFIG)
    with suppress(client.exceptions.DBSnapshotNotFoundFault):  # another run has deleted it
        client.delete_db_snapshot(DBSnapshotIdentifier=identifier)


def subscriptions(topic_arn: str) -> tuple[Subscription, ...]:
    """List all subscriptions of the topic; needs `sns:ListSubscriptionsByTopic`.

    Raises:
        BotoCoreError, ClientError: SNS could not be queried, or does not know the topic.
    """
    client = boto3.client("sns", config=_CONFIG)
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    return tuple(
        Subscription(one["Protocol"], one["Endpoint"], one["SubscriptionArn"])
        for page in pages
        for one in page["Subscriptions"]
    )


def confirmed_before(environment: str, now: datetime) -> int | None:
    """Read how many subscriptions the last run counted; None before the first run.

    Needs `cloudwatch:GetMetricData`.

    Raises:
        BotoCoreError, ClientError: CloudWatch could not be queried.
    """
    return _counted(environment, CONFIRMED_SUBSCRIBERS, now - _REMEMBERED, now)


def due_before(environment: str, now: datetime) -> int:
    """Read how many secrets were due at the last runs; needs and raises what `confirmed_before` does."""
    return _counted(environment, SECRETS_DUE, now - _REMINDED, now) or 0


def _counted(environment: str, name: str, since: datetime, now: datetime) -> int | None:
    """Read a count that the check published itself the last time; None when it has not since then."""
    metric = {
        "Namespace": NAMESPACE,
        "MetricName": name,
        "Dimensions": [{"Name": "Environment", "Value": environment}],
    }
    answer = boto3.client("cloudwatch", config=_CONFIG).get_metric_data(
        # An hour, since finer data is gone after two weeks; its maximum, so that two runs in it do not both notify.
        MetricDataQueries=[{"Id": "counted", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Maximum"}}],
        StartTime=since,
        EndTime=now + timedelta(minutes=1),
        ScanBy="TimestampDescending",
    )
    values = answer["MetricDataResults"][0]["Values"]
    return round(values[0]) if values else None


def standing_alarms(prefix: str) -> tuple[StandingAlarm, ...]:
    """List the metric alarms with this prefix that are in ALARM; needs `cloudwatch:DescribeAlarms`.

    Raises:
        BotoCoreError, ClientError: CloudWatch could not be queried.
    """
    pages = (
        boto3.client("cloudwatch", config=_CONFIG)
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=prefix, StateValue="ALARM", AlarmTypes=["MetricAlarm"])
    )
    return tuple(
        StandingAlarm(one["AlarmName"], one["StateUpdatedTimestamp"], one.get("AlarmDescription", ""))
        for page in pages
        for one in page["MetricAlarms"]
    )


def secrets(arns: Iterable[str], failures: list[str]) -> tuple[Secret, ...]:
    """Find when each secret's current value was set; add to `failures` why, where that is not known.

    Needs `secretsmanager:DescribeSecret` and `secretsmanager:ListSecretVersionIds`.
    """
    found = []
    try:
        client = boto3.client("secretsmanager", config=_CONFIG)
        for arn in arns:
            try:
                found.append(_secret(client, arn))
            except (NotCheckedError, ClientError) as error:
                failures.append(f"secret {arn}: {error}")
            except _UNEXPECTED as error:
                failures.append(f"secret {arn}: AWS answered otherwise than documented: {_named(error)}")
    except (BotoCoreError, ResponseParserError) as error:
        failures.append(f"secrets: {error}")  # the next ones would wait as long
    return tuple(found)


def _secret(client: Any, arn: str) -> Secret:
    # Listing versions is documented to fail for a secret that is missing, not for one that is scheduled for deletion.
    described = client.describe_secret(SecretId=arn)
    if "DeletedDate" in described:
        raise NotCheckedError("it is scheduled for deletion")
    created: dict[str, datetime] = {}
    token: dict[str, str] = {}
    while True:  # botocore has no paginator for it
        page = client.list_secret_version_ids(SecretId=arn, **token)
        created |= {stage: one["CreatedDate"] for one in page["Versions"] for stage in one.get("VersionStages", [])}
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    if "AWSCURRENT" not in created:
        raise NotCheckedError("it has no current version")
    is_rotated = described.get("RotationEnabled", False)
    return Secret(arn, described["Name"], created["AWSCURRENT"], "AWSPREVIOUS" in created, is_rotated)


def _named(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else f"{type(error).__name__}: {error}"
