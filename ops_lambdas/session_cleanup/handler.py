"""Session cleanup on AWS: settings, options and a token in, ended sessions, metrics and a result out."""

import os
from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.session_cleanup import core
from ops_lambdas.session_cleanup.cleanup import Cleanup
from ops_lambdas.session_cleanup.sessions import count_stale
from ops_lambdas.shared import database
from ops_lambdas.shared.lock import CheckLock
from ops_lambdas.shared.settings import DatabaseSettings, TaskSettings, from_environment, from_event

logger = Logger(utc=True)


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, TaskSettings):
    """What session cleanup is configured with."""


@logger.inject_lambda_context
def handler(event: object, context: LambdaContext) -> core.SessionCleanupResult:
    """End the sessions that stand idle, and close their threads on every running task.

    Needs `rds-db:connect` as the database's role, `ecs:ListTasks` and `ecs:DescribeTasks`, and the network
    to the database and the tasks.

    Raises:
        InvalidSettingError, TokenError, DatabaseError, TasksError: the check could not do its work, or no
            more than its metrics tell.
    """
    options = from_event(core.Options, event)
    config = from_environment(Settings, os.environ)
    login = database.iam_login(config)
    environment, minutes = config.environment, options.older_than_minutes
    result: core.SessionCleanupResult
    try:
        if options.dry_run:
            with database.reading(login, application_name="session_cleanup") as reader:
                pools = count_stale(reader, older_than_minutes=minutes)
            result = core.looked(pools, environment=environment, older_than_minutes=minutes)
        else:
            with database.writing(login, application_name="session_cleanup") as writer:
                if writer.try_lock(CheckLock.SESSION_CLEANUP):
                    cleanup = Cleanup(config, environment, minutes, context.get_remaining_time_in_millis, logger)
                    result = cleanup.run(writer)
                else:
                    result = {"state": "already_running", "environment": environment}
    except database.TablesMissingError as missing:
        logger.warning("No session looked at, the application's tables are missing", extra={"reason": str(missing)})
        return {"state": "tables_missing", "environment": environment}
    logger.info("Sessions cleaned up", extra={"result": result})
    return result
