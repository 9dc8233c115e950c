"""Thread cleanup on AWS: threads of Coral and the database in; closed threads, metrics, log lines and a result out."""

import os

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.settings import from_environment, from_event
from ops_lambdas.thread_cleanup import report
from ops_lambdas.thread_cleanup.cleanup import Cleanup
from ops_lambdas.thread_cleanup.settings import Options, Settings

# For what comes after the last call: metrics, log lines, and disconnecting.
RESERVED_SECONDS = 10

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, context: LambdaContext) -> report.ThreadCleanupResult:
    """Close the threads that the application has forgotten, on every task.

    Needs `rds-db:connect` as the database's role, `ecs:ListTasks` and `ecs:DescribeTasks`, and the network to
    the database, ECS and the tasks.

    Raises:
        InvalidSettingError, DatabaseError, LockHeldError, TokenError, TasksError, NoThreadsListedError, OutOfTimeError:
            the check could not list or look up the threads.
        RefusedError: most threads are unknown; nothing was closed.
    """
    options = from_event(Options, event)
    config = from_environment(Settings, os.environ)
    cleanup = Cleanup(config, options, seconds=context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS)
    try:
        state = cleanup.run()
    finally:
        report.publish_metrics(config.environment, cleanup.progress)
        if reasons := report.reasons(cleanup.progress):
            logger.warning("Some threads could not be listed or closed", extra={"reasons": reasons})
    if state == "cleaned" or state == "dry_run":
        result = report.result(state, config, cleanup.progress)
        logger.info("Thread cleanup finished", extra={"result": result})
        return result
    nothing: report.NothingDone = {"state": state, "environment": config.environment}
    logger.warning("Thread cleanup skipped", extra={"result": nothing})
    return nothing
