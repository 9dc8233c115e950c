"""Emails through the alarm topic."""

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

MAX_SUBJECT_LENGTH = 100  # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})


class TopicError(RuntimeError):
    """SNS did not accept the email."""


def send(topic_arn: str, *, subject: str, text: str) -> None:
    """Publish an email to the topic; needs `sns:Publish`, and `kms:Decrypt` and `kms:GenerateDataKey` with its key.

    Args:
        subject: at most MAX_SUBJECT_LENGTH printable ASCII characters.
    Raises:
        TopicError: SNS did not accept it.
    """
    try:
        boto3.client("sns", region_name=topic_arn.split(":")[3], config=_CONFIG).publish(
            TopicArn=topic_arn, Subject=subject, Message=text
        )
    except (BotoCoreError, ClientError) as error:
        raise TopicError(f"topic {topic_arn} did not accept the email: {error}") from error
