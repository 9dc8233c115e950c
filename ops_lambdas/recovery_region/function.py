"""Recovery region on AWS: CloudFormation asks for the ARN of a key in another region, and for the name of a bucket."""

from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import ClientError

from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.custom_resource import NotThereError, look_up

PHYSICAL_ID = "recovery-region"
_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, _context: LambdaContext) -> dict[str, Any]:
    """Respond to CloudFormation with the key's ARN, `KeyArn`, and the bucket's name, `Bucket`. A deletion leaves both.

    Properties of the resource: `Region`, `Alias` of the key (with "alias/"), `Stack` and `BucketId`, the bucket's stack
    and logical id, and `Create`, the command that makes them. Needs `kms:DescribeKey` and
    `cloudformation:DescribeStackResource` on them.

    Raises:
        InvalidSettingError: the event is no request of CloudFormation.
        ResponseError: CloudFormation cannot be reached, or refuses.
    """
    return look_up(event, find, physical_id=PHYSICAL_ID, logger=logger)


def find(*, Region: str, Alias: str, Stack: str, BucketId: str, Create: str) -> dict[str, str]:  # noqa: N803
    """Return the ARN of the key that an alias of another region is for, and the bucket's name.

    Raises:
        NotThereError: one is not there, or the key is not enabled.
        BotoCoreError, ClientError: AWS cannot be reached there, or refuses.
    """
    kms, formation = (boto3.client(name, region_name=Region, config=_CONFIG) for name in ("kms", "cloudformation"))
    try:
        key = kms.describe_key(KeyId=Alias)["KeyMetadata"]
    except kms.exceptions.NotFoundException:
        raise NotThereError(f"there is no key {Alias} in {Region} for the backups: run `{Create}` first") from None
    if key["KeyState"] != "Enabled":
        raise NotThereError(f"the key {Alias} in {Region} is {key['KeyState']}, must be Enabled")
    try:
        bucket = formation.describe_stack_resource(StackName=Stack, LogicalResourceId=BucketId)["StackResourceDetail"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":  # of a stack or a resource that does not exist
            raise
        raise NotThereError(f"there is no bucket {BucketId} of {Stack} in {Region}: run `{Create}` first") from None
    return {"KeyArn": str(key["Arn"]), "Bucket": str(bucket["PhysicalResourceId"])}
