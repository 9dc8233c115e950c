"""The migration's function: CloudFormation requests a migration, and the state machine that runs it reports."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.migration import access, core
from ops_lambdas.migration.settings import Call, Settings
from ops_lambdas.shared import custom_resource
from ops_lambdas.shared.aws_errors import AWS_ERRORS
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.settings import InvalidSettingError, from_environment, from_event

PHYSICAL_ID = "migration"

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, _context: LambdaContext) -> dict[str, Any]:
    """Start a migration for CloudFormation, or do a step of one for the state machine.

    Raises:
        InvalidSettingError, SecretError, DatabaseError, ResponseError, BotoCoreError, ClientError: in a step.
        ResponseError: CloudFormation cannot be answered that the migration cannot begin.
    """
    if isinstance(event, dict) and custom_resource.is_request(event):
        return _request(event)
    config, call = from_environment(Settings, os.environ), from_event(Call, event)
    if call.step == "tables":
        count = access.tables(config)
        logger.info("Tables counted", extra={"result": {"tables": count}})
        return {"tables": count}
    failure = None
    if call.step == "fail":
        task = core.stopped_task(call.error or {})
        try:
            lines = access.log_lines(config, task)
        except AWS_ERRORS as error:  # CloudFormation waits for a response
            lines = [f"its log cannot be read: {error}"]
        failure = core.failure(task, lines)
    return _end(call.input, failure)


def _request(request: dict[str, Any]) -> dict[str, Any]:
    """A deletion leaves the database as it is, and so does a rollback: the old version runs on the new tables."""
    try:
        is_left = request["RequestType"] == "Delete" or access.is_rolling_back(request["StackId"])
        if not is_left:
            access.start(from_environment(Settings, os.environ), request)
            logger.info("Migration started", extra={"result": {"state": "started"}})
            return {"state": "started"}
    except (InvalidSettingError, *AWS_ERRORS) as error:
        return _end(request, f"the migration cannot begin: {error}")
    return _end(request, None)


def _end(request: dict[str, Any], failure: str | None) -> dict[str, Any]:
    """Log the outcome, and respond to CloudFormation when it requested the migration."""
    result = {"state": "failed" if failure else "succeeded", "reason": failure or ""}
    log = logger.error if failure else logger.info
    log("Migration ended", extra={"result": result})
    if custom_resource.is_request(request):
        custom_resource.respond(request, physical_id=PHYSICAL_ID, failure=failure, data={"State": result["state"]})
    return result
