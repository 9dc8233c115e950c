"""Database role on AWS: called by CloudFormation at each deployment, and by the hourly schedule."""

import os

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.database_role import cloudformation
from ops_lambdas.database_role.core import RoleError
from ops_lambdas.database_role.report import RoleResult
from ops_lambdas.database_role.role import RoleMaker
from ops_lambdas.database_role.settings import Settings
from ops_lambdas.shared import database
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.custom_resource import is_request
from ops_lambdas.shared.master import master_login
from ops_lambdas.shared.settings import InvalidSettingError, NoOptions, from_environment, from_event

# For a statement under way, at most 10 s, and for three tries to respond to CloudFormation, 15 s.
_RESERVED_MILLISECONDS = 25_000

_FAILURES = (InvalidSettingError, database.SecretError, database.DatabaseError, RoleError)

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, context: LambdaContext) -> RoleResult:
    """Create the checks' role with its privileges; respond to CloudFormation when it sent the request.

    Needs `secretsmanager:GetSecretValue` on the master's secret with `kms:Decrypt`, and a timeout of a minute.

    Raises:
        InvalidSettingError, SecretError, DatabaseError, RoleError: in a run of the schedule.
        ResponseError: the response to CloudFormation cannot be sent.
    """

    def ensure() -> RoleResult:
        config = from_environment(Settings, os.environ)
        login = master_login(config, "database_role")
        with database.writing(login, application_name="database_role", statement_timeout_seconds=5) as writer:
            return RoleMaker(writer, config.database_user, has_time).ensure(config.environment)

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() > _RESERVED_MILLISECONDS

    if isinstance(event, dict) and is_request(event):
        result = cloudformation.respond(event, ensure, _FAILURES)
    else:
        from_event(NoOptions, event)
        result = ensure()
    log = logger.error if result["state"] == "failed" else logger.info
    log("Database role checked", extra={"result": result})
    return result
