"""Recovery key on AWS: CloudFormation asks for the ARN of a key in another region, by its alias."""

from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.custom_resource import NotThereError, look_up

PHYSICAL_ID = "recovery-key"
_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, _context: LambdaContext) -> dict[str, Any]:
    """Respond to CloudFormation with the key's ARN, `Arn`. A deletion leaves the key alone.

    Properties of the resource: `Region`, `Alias` (with "alias/"), and `Create`, the command that makes the key. Needs
    `kms:DescribeKey` on it.

    Raises:
        InvalidSettingError: the event is no request of CloudFormation.
        ResponseError: CloudFormation cannot be reached, or refuses.
    """
    return look_up(event, key_arn, physical_id=PHYSICAL_ID, logger=logger)


def key_arn(*, Region: str, Alias: str, Create: str) -> dict[str, str]:  # noqa: N803 - CloudFormation's
    """Return the ARN of the key that an alias of another region is for, as `Arn`.

    Raises:
        NotThereError: there is none, or it is not enabled.
        BotoCoreError, ClientError: KMS cannot be reached, or refuses.
    """
    client = boto3.client("kms", region_name=Region, config=_CONFIG)
    try:
        key = client.describe_key(KeyId=Alias)["KeyMetadata"]
    except client.exceptions.NotFoundException:
        raise NotThereError(f"there is no key {Alias} in {Region} for the backups: run `{Create}` first") from None
    if key["KeyState"] != "Enabled":
        raise NotThereError(f"the key {Alias} in {Region} is {key['KeyState']}, must be Enabled")
    return {"Arn": str(key["Arn"])}
