"""AWS calls of secret deployment. No secret's value is read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config

from ops_lambdas.secret_deployment.core import ChangedSecret, Service
from ops_lambdas.secret_deployment.settings import Settings
from ops_lambdas.shared.secret_values import CURRENT
from ops_lambdas.shared.tasks import TasksError, described_service

_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


def service(config: Settings) -> Service:
    """Describe the service; needs `ecs:DescribeServices`.

    Raises:
        TasksError: ECS could not be reached, refused, or does not know the service or a deployment of it.
    """
    described = described_service(config.ecs_cluster, config.ecs_service)
    deployments = described.get("deployments", [])
    current = next((one for one in deployments if one.get("status") == "PRIMARY"), None)
    if current is None:
        raise TasksError(f"{config.ecs_service} in {config.ecs_cluster} has no deployment")
    return Service(
        desired=described.get("desiredCount", 0),
        deployed=current["createdAt"],
        is_deploying=len(deployments) > 1 or current.get("rolloutState") == "IN_PROGRESS",
    )


def changed_secrets(config: Settings, since: datetime) -> Iterator[ChangedSecret]:
    """Find when the tasks' secrets changed, of those whose value or description did since `since`.

    Needs `secretsmanager:ListSecrets` and, on the secrets, `secretsmanager:ListSecretVersionIds`. A version is made
    before it becomes current in a rotation, whose end Secrets Manager keeps.

    Raises:
        BotoCoreError, ClientError: Secrets Manager could not be reached, or refused.
    """
    client = boto3.client("secretsmanager", config=_CONFIG)
    pages = client.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [config.name_prefix]}])
    for secret in (one for page in pages for one in page["SecretList"]):
        touched = secret.get("LastChangedDate") or secret["CreatedDate"]
        if secret["ARN"] in config.secret_arns and touched > since:
            times = [_made_current(client, secret["ARN"]), secret.get("LastRotatedDate")]
            if known := [time for time in times if time]:
                yield ChangedSecret(secret["Name"], max(known))


def is_outage(config: Settings) -> bool:
    """Whether the outage's alarm is in ALARM; needs `cloudwatch:DescribeAlarms`.

    Raises:
        BotoCoreError, ClientError: CloudWatch could not be reached, or refused.
    """
    client = boto3.client("cloudwatch", config=_CONFIG)
    answer = client.describe_alarms(AlarmNames=[config.outage_alarm], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    alarms = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
    return any(one["StateValue"] == "ALARM" for one in alarms)


def deploy(config: Settings) -> None:
    """Replace the tasks with new ones of the same version; needs `ecs:UpdateService`.

    Raises:
        BotoCoreError, ClientError: ECS could not be reached, or refused.
    """
    boto3.client("ecs", config=_CONFIG).update_service(
        cluster=config.ecs_cluster, service=config.ecs_service, forceNewDeployment=True
    )


def now() -> datetime:
    """The time of this look."""
    return datetime.now(UTC)


def _made_current(client: Any, arn: str) -> datetime | None:
    token: dict[str, str] = {}
    while True:  # botocore has no paginator for it
        page = client.list_secret_version_ids(SecretId=arn, **token)
        for version in page["Versions"]:
            if CURRENT in version.get("VersionStages", ()):
                made: datetime = version["CreatedDate"]
                return made
        if not page.get("NextToken"):
            return None
        token = {"NextToken": page["NextToken"]}
