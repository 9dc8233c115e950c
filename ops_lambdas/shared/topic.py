"""Emails through the alarm topic."""

import boto3
from botocore.config import Config

from ops_lambdas.shared.aws_errors import AWS_ERRORS

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
MAX_SUBJECT_LENGTH = 100
_MAX_BYTES = 256 * 1024
_CUT = "\n\n… The rest does not fit into an email.\n"
_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})


class TopicError(RuntimeError):
    """SNS did not accept the email."""


def send(topic_arn: str, *, subject: str, text: str) -> None:
    """Publish an email to the topic; needs `sns:Publish`, and `kms:Decrypt` and `kms:GenerateDataKey` with its key.

    Args:
        subject: at most MAX_SUBJECT_LENGTH printable ASCII characters.
        text: what is beyond SNS's 256 KiB is cut, and the email says so.
    Raises:
        TopicError: SNS did not accept it.
    """
    try:
        boto3.client("sns", region_name=topic_arn.split(":")[3], config=_CONFIG).publish(
            TopicArn=topic_arn, Subject=subject, Message=_fitting(text)
        )
    except AWS_ERRORS as error:
        raise TopicError(f"topic {topic_arn} did not accept the email: {error}") from error


def _fitting(text: str) -> str:
    content = text.encode(errors="backslashreplace")
    if len(content) <= _MAX_BYTES:
        return content.decode()
    return content[: _MAX_BYTES - len(_CUT.encode())].decode(errors="ignore") + _CUT
