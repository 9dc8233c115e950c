"""Protection on AWS: stacks, the database and the load balancer in; what was switched, and a metric out."""

import os

from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from ops_lambdas.protection import access, core, report
from ops_lambdas.protection.settings import Settings
from ops_lambdas.shared.aws_errors import AWS_ERRORS
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.settings import NoOptions, from_environment, from_event

# The instance is being backed up or modified. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
_NOT_YET = "InvalidDBInstanceState"

logger = check_logger()


class NotProtectedError(RuntimeError):
    """A protection could not be read or switched; names each, and why."""


@logger.inject_lambda_context
@bounded_result
def handler(event: object, _context: LambdaContext) -> report.ProtectionResult:
    """Switch every protection of the environment to what is configured.

    Needs what the classes of access.py name, and `cloudformation:DescribeStacks`.

    Raises:
        InvalidSettingError: the check cannot begin.
        BotoCoreError, ClientError: CloudFormation could not be queried.
        NotProtectedError: something could not be read or switched; the rest was.
    """
    from_event(NoOptions, event)
    config = from_environment(Settings, os.environ)
    is_protected = config.is_protected == "yes"
    stacks = access.stacks(config.stacks)
    switched: list[str] = []
    waiting: list[str] = []
    failed: list[str] = []
    for protection in access.protections(config, stacks):
        try:
            if not protection.is_switched(on=is_protected):
                protection.switch(on=is_protected)
                switched.append(protection.name)
        except (LookupError, TypeError, AttributeError) as error:
            failed.append(f"{protection.name}: AWS answered otherwise than documented: {error!r}")
        except AWS_ERRORS as error:
            is_early = isinstance(error, ClientError) and error.response["Error"]["Code"].startswith(_NOT_YET)
            (waiting if is_early else failed).append(f"{protection.name}: {error}")
    outcome = core.Outcome(tuple(switched), tuple(waiting), tuple(failed), core.unsettled(config.stacks, stacks))
    if is_protected:
        report.publish_unprotected(config.environment, outcome)
    result = report.result(config.environment, outcome, is_protected=is_protected)
    log = logger.warning if failed or waiting else logger.info
    log("Protection checked", extra={"result": result})
    if failed:
        raise NotProtectedError(f"not as configured: {'; '.join(failed)}")
    return result
