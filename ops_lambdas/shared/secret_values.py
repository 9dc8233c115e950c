"""Reading a secret from Secrets Manager, without any of it in an error or a log."""

import json
from typing import Any

import boto3
from botocore.config import Config

from ops_lambdas.shared.aws_errors import AWS_ERRORS

# Whoever puts another value moves the one before to PREVIOUS.
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
PENDING = "AWSPENDING"  # the next, in a rotation
_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "max_attempts": 2})


class SecretError(RuntimeError):
    """A secret could not be read, or is not valid; the message never contains any of it."""


def read_secret(secret_arn: str, stage: str = CURRENT) -> dict[str, Any]:
    """Read a secret that is a JSON object, again in each run, because secrets rotate.

    Args:
        stage: CURRENT, PREVIOUS or PENDING.

    Raises:
        SecretError: it cannot be read, or is not a JSON object.
    """
    try:
        client = boto3.client("secretsmanager", config=_CONFIG)
        text = client.get_secret_value(SecretId=secret_arn, VersionStage=stage)["SecretString"]
    except AWS_ERRORS as error:
        raise SecretError(f"secret {secret_arn} cannot be read: {error}") from error
    except KeyError:
        raise SecretError(f"secret {secret_arn} is binary, must be a JSON object") from None
    try:
        secret = json.loads(text)
    except json.JSONDecodeError:
        secret = None  # the error itself would contain the secret's text
    if not isinstance(secret, dict):
        raise SecretError(f"secret {secret_arn} must be a JSON object")
    return secret
