"""Thread cleanup on AWS: what Coral and the database say in; closed threads, metrics, log lines and a result out."""

import os

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.shared.settings import from_environment, from_event
from ops_lambdas.thread_cleanup import core, telling
from ops_lambdas.thread_cleanup.cleanup import Run

# For what comes after the last call: metrics, log lines, and hanging up.
RESERVED_SECONDS = 10

logger = Logger(utc=True)


@logger.inject_lambda_context
def handler(event: object, context: LambdaContext) -> core.ThreadCleanupResult:
    """Close the threads on every task that the application has forgotten.

    Needs `rds-db:connect` as the database's role, `ecs:ListTasks` and `ecs:DescribeTasks`, and the network to
    the database, ECS and the tasks.

    Raises:
        InvalidSettingError, DatabaseError, TokenError, TasksError, NoThreadsListedError, OutOfTimeError: the
            check could not look.
        RefusedError: most threads are unknown; nothing was closed.
    """
    options = from_event(core.Options, event)
    config = from_environment(core.Settings, os.environ)
    run = Run(config, options, seconds=context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS)
    try:
        state = run.clean()
    finally:
        telling.metrics(config.environment, run.progress)
        if reasons := telling.reasons(run.progress):
            logger.warning("Not everything could be listed or closed", extra={"reasons": reasons})
    if state == "cleaned" or state == "dry_run":
        result = telling.result(state, config, run.progress)
        logger.info("Threads looked at", extra={"result": result})
        return result
    logger.warning("Nothing done", extra={"reason": state})
    return {"state": state, "environment": config.environment}
