"""Containers on AWS: the service and its tasks in; metrics, the alarm's reason, log lines and a result out."""

import os
import time

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.containers import access, core, report
from ops_lambdas.containers.settings import Settings
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.settings import NoOptions, from_environment, from_event

_PAUSE_SECONDS = 10.0

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, _context: LambdaContext) -> report.ContainersResult:
    """Find the containers that should run and do not, in every task of the service.

    What is missing is looked for twice, ten seconds apart, so that a restart is no finding.

    Raises:
        InvalidSettingError: the check cannot begin.
        TasksError: ECS could not be reached, refused, or does not know the service.
        BotoCoreError, ClientError: CloudWatch did not take the alarm's reason.
    """
    from_event(NoOptions, event)
    config = from_environment(Settings, os.environ)
    service = access.describe(config)
    missing = core.missing(service.tasks, access.now())
    if missing:
        time.sleep(_PAUSE_SECONDS)
        service = access.describe(config)
        missing = core.still_missing(missing, core.missing(service.tasks, access.now()))
    report.publish_service(config.environment, service, len(missing))
    commands = [access.log_command(config, one) for one in missing]
    result = report.result(config.environment, service, list(zip(missing, commands, strict=True)))
    log = logger.warning if missing else logger.info
    log("Containers checked", extra={"result": result})
    if missing:
        access.tell(config, core.alarm_reason(missing, commands[0]))
    return result
