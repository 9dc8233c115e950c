"""Logins to the database: an IAM token for the checks' role, or the owner's secret."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import boto3
from botocore.exceptions import BotoCoreError

from ops_lambdas.shared.secret_values import SecretError, read_secret
from ops_lambdas.shared.settings import DatabaseSettings


class TokenError(RuntimeError):
    """No token could be signed: the function's credentials or its region are missing."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Where the database is and how to log in.

    Attributes:
        password: the role's own, or a token instead.
        acts_as_itself: whatever role the user is set to act as.
    """

    host: str
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    kind: Literal["password", "token"] = "password"
    acts_as_itself: bool = False


def iam_login(config: DatabaseSettings) -> Credentials:
    """Sign a token, which allows logins for 15 minutes; this needs no call to AWS.

    The function needs `rds-db:connect` as the role, or the database refuses the token.

    Raises:
        TokenError: the function has no credentials or no region.
    """
    try:
        client = boto3.client("rds", region_name=os.environ.get("AWS_REGION"))
        token = client.generate_db_auth_token(config.database_host, config.database_port, config.database_user)
    except BotoCoreError as error:
        raise TokenError(f"no token for {config.database_user} at {config.database_host}: {error}") from error
    return Credentials(
        host=config.database_host,
        port=config.database_port,
        database=config.database_name,
        username=config.database_user,
        password=token,
        kind="token",
    )


def read_credentials(secret_arn: str) -> Credentials:
    """Read the database's credentials from its secret, again in each run, because they rotate.

    Needs `secretsmanager:GetSecretValue` on it, and `kms:Decrypt` with its key.

    Raises:
        SecretError: the secret cannot be read, or lacks what connecting needs.
    """
    return credentials_of(read_secret(secret_arn), secret_arn)


def credentials_of(secret: Mapping[str, Any], secret_arn: str) -> Credentials:
    """Return the login in a secret's value.

    Raises:
        SecretError: it lacks what connecting needs.
    """
    texts = ("host", "dbname", "username", "password")
    missing = [key for key in texts if not (isinstance(secret.get(key), str) and secret[key])]
    port = str(secret.get("port", ""))
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        missing.append("port")
    if missing:
        raise SecretError(f"secret {secret_arn} has no valid {', '.join(missing)}")
    return Credentials(
        host=secret["host"],
        port=int(port),
        database=secret["dbname"],
        username=secret["username"],
        password=secret["password"],
    )
