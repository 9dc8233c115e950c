"""Copied secrets on AWS: CloudFormation asks for the ARNs of secrets that are copies, which become the region's own."""

from collections.abc import Mapping
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.custom_resource import NotThereError, look_up

PHYSICAL_ID = "copied-secrets"
_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, _context: LambdaContext) -> dict[str, Any]:
    """Respond to CloudFormation with the secrets' ARNs. A deletion leaves the secrets alone.

    Properties of the resource: `Secrets`, their names by what the resource calls their ARNs, and `Copy`, the command
    that copies them. Needs `secretsmanager:DescribeSecret` and `secretsmanager:StopReplicationToReplica` on them.

    Raises:
        InvalidSettingError: the event is no request of CloudFormation.
        ResponseError: CloudFormation cannot be reached, or refuses.
    """
    return look_up(event, take_over, physical_id=PHYSICAL_ID, logger=logger)


def take_over(*, Secrets: Mapping[str, str], Copy: str) -> dict[str, str]:  # noqa: N803 - CloudFormation's
    """Make each secret this region's own, unless it is, and return their ARNs; nothing is changed unless all are here.

    Raises:
        NotThereError: some are not here, or are being deleted.
        BotoCoreError, ClientError: Secrets Manager cannot be reached, or refuses.
    """
    client = boto3.client("secretsmanager", config=_CONFIG)
    region, found, absent = client.meta.region_name, {}, []
    for attribute, name in Secrets.items():
        try:
            secret = client.describe_secret(SecretId=name)
        except client.exceptions.ResourceNotFoundException:
            absent.append(name)
            continue
        absent += [f"{name} (being deleted)"] if "DeletedDate" in secret else []
        found[attribute] = secret
    if absent:
        raise NotThereError(f"secrets that are not in {region}: {', '.join(absent)}; they are copied by `{Copy}`")
    for secret in found.values():
        if secret.get("PrimaryRegion", region) != region:
            client.stop_replication_to_replica(SecretId=secret["ARN"])
            logger.info("Secret no longer follows its primary", extra={"secret": secret["Name"]})
    return {attribute: str(secret["ARN"]) for attribute, secret in found.items()}
