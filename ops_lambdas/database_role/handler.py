"""Database role on AWS: asked by CloudFormation at each deployment, and hourly by its schedule."""

import os
from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.database_role import cloudformation, core
from ops_lambdas.database_role.role import RoleMaker
from ops_lambdas.shared import database
from ops_lambdas.shared.settings import (
    EnvironmentName,
    InvalidSettingError,
    NoOptions,
    RoleName,
    SecretArn,
    from_environment,
    from_event,
)

# For a statement under way, at most 10 s, and for three tries to answer CloudFormation, 15 s.
_RESERVED_MILLISECONDS = 25_000

_FAILURES = (InvalidSettingError, database.SecretError, database.DatabaseError, core.RoleError)

logger = Logger(utc=True)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What it is configured with: the owner's login, and the role to make."""

    environment: EnvironmentName
    database_secret_arn: SecretArn
    database_user: RoleName


@logger.inject_lambda_context
def handler(event: object, context: LambdaContext) -> core.RoleResult:
    """Make the checks' role with its rights; tell CloudFormation when it asked.

    Needs `secretsmanager:GetSecretValue` on the owner's secret with `kms:Decrypt`, and a timeout of a minute.

    Raises:
        InvalidSettingError, SecretError, DatabaseError, RoleError: when the schedule asked.
        AnswerError: CloudFormation cannot be told.
    """

    def ensure() -> core.RoleResult:
        config = from_environment(Settings, os.environ)
        login = database.read_credentials(config.database_secret_arn)
        with database.writing(login, application_name="database_role", statement_timeout_seconds=5) as writer:
            return RoleMaker(writer, config.database_user, has_time).ensure(config.environment)

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() > _RESERVED_MILLISECONDS

    if isinstance(event, dict) and cloudformation.is_request(event):
        result = cloudformation.respond(event, ensure, _FAILURES)
    else:
        from_event(NoOptions, event)
        result = ensure()
    (logger.error if result["state"] == "failed" else logger.info)("Role", extra={"result": result})
    return result
