"""Session cleanup on AWS: settings, options and a token in; ended sessions, metrics, log lines and a result out."""

import os

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.session_cleanup import core, report
from ops_lambdas.session_cleanup.access import count_stale
from ops_lambdas.session_cleanup.cleanup import Cleanup
from ops_lambdas.session_cleanup.settings import Options, Settings
from ops_lambdas.shared import database
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.settings import from_environment, from_event

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, context: LambdaContext) -> report.SessionCleanupResult:
    """End the idle sessions, and close their threads on every running task.

    Needs `rds-db:connect` as the database's role, `ecs:ListTasks` and `ecs:DescribeTasks`, and the network
    to the database and the tasks.

    Raises:
        InvalidSettingError, TokenError, DatabaseError, LockHeldError, TasksError: the check did nothing, or only what
            its metrics show.
    """
    options = from_event(Options, event)
    config = from_environment(Settings, os.environ)
    login = database.iam_login(config)
    environment, minutes = config.environment, options.older_than_minutes
    result: report.SessionCleanupResult
    try:
        if options.dry_run:
            with database.reading(login, application_name="session_cleanup") as reader:
                pools = count_stale(reader, older_than_minutes=minutes)
            result = report.dry_run(pools, environment=environment, older_than_minutes=minutes)
        else:
            seconds = context.get_remaining_time_in_millis() / 1000 - core.RESERVED_SECONDS / 2
            with database.writing(login, application_name="session_cleanup", seconds=seconds) as writer:
                if writer.try_lock("session_cleanup"):
                    cleanup = Cleanup(config, minutes, context.get_remaining_time_in_millis, logger)
                    result = cleanup.run(writer)
                else:
                    result = {"state": "already_running", "environment": environment}
    except database.TablesMissingError as missing:
        logger.warning("Session cleanup skipped, tables are missing", extra={"reason": str(missing)})
        return {"state": "tables_missing", "environment": environment}
    logger.info("Session cleanup finished", extra={"result": result})
    return result
