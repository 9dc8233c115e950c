"""Recovery key on AWS: CloudFormation asks for the ARN of a key in another region, by its alias."""

from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from ops_lambdas.shared import custom_resource
from ops_lambdas.shared.aws_errors import AWS_ERRORS
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.settings import InvalidSettingError

PHYSICAL_ID = "recovery-key"
_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})

logger = check_logger()


class RecoveryKeyError(RuntimeError):
    """There is no such key, or it cannot be used; the message says what to do."""


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
    if not isinstance(event, dict) or not custom_resource.is_request(event):
        raise InvalidSettingError("event", event, "a request of CloudFormation")
    failure, arn = None, ""
    if event["RequestType"] != "Delete":
        try:
            arn = key_arn(**event["ResourceProperties"])
        except (RecoveryKeyError, *AWS_ERRORS) as error:
            failure = str(error)
        except (TypeError, KeyError) as error:
            failure = f"the resource's properties are not Region, Alias and Create: {error}"
    result = {"state": "failed" if failure else "found" if arn else "left", "reason": failure or "", "arn": arn}
    log = logger.error if failure else logger.info
    log("Recovery key looked up", extra={"result": result})
    custom_resource.respond(event, physical_id=PHYSICAL_ID, failure=failure, data={"Arn": arn})
    return result


def key_arn(*, Region: str, Alias: str, Create: str, **_: object) -> str:  # noqa: N803 - CloudFormation's
    """Return the ARN of the key that an alias of another region is for.

    Raises:
        RecoveryKeyError: there is none, or it is not enabled.
        BotoCoreError, ClientError: KMS cannot be reached, or refuses.
    """
    client = boto3.client("kms", region_name=Region, config=_CONFIG)
    try:
        key = client.describe_key(KeyId=Alias)["KeyMetadata"]
    except client.exceptions.NotFoundException:
        raise RecoveryKeyError(f"there is no key {Alias} in {Region} for the backups: run `{Create}` first") from None
    if key["KeyState"] != "Enabled":
        raise RecoveryKeyError(f"the key {Alias} in {Region} is {key['KeyState']}, must be Enabled")
    return str(key["Arn"])
