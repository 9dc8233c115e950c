"""Housekeeping on AWS: secrets, subscribers and backup in; metrics, log lines and a result out."""

import os
from datetime import UTC, datetime

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.housekeeping import access, core, publication
from ops_lambdas.housekeeping.result import HousekeepingResult, told
from ops_lambdas.housekeeping.settings import Settings
from ops_lambdas.shared.settings import NoOptions, from_environment, from_event

logger = Logger(utc=True)


@logger.inject_lambda_context
def handler(event: object, _context: LambdaContext) -> HousekeepingResult:
    """Look how old the secrets are, who hears the alarms, and how recently the database was backed up.

    Needs `secretsmanager:DescribeSecret` and `secretsmanager:ListSecretVersionIds` on the secrets,
    `sns:ListSubscriptionsByTopic` on the topic and `rds:DescribeDBInstances` on the instance.

    Raises:
        InvalidSettingError: the check cannot begin.
        NotSeenError: something could not be looked at; what else was seen is published all the same.
    """
    from_event(NoOptions, event)
    config = from_environment(Settings, os.environ)
    now = _now()
    failures: list[str] = []
    backup = subscribers = None
    with access.noted(failures, f"database {config.database_instance}"):
        backup = core.backup(access.instance(config.database_instance), now)
        publication.publish_backup(config.environment, backup)
    with access.noted(failures, f"topic {config.topic_arn}"):
        subscribers = core.subscribers(access.subscriptions(config.topic_arn), config.alarm_emails)
        publication.publish_subscribers(config.environment, subscribers)
    ages = core.secret_ages(access.secrets(config.secret_arns, failures), now)
    publication.publish_secrets(config.environment, ages)
    result = told(config.environment, ages=ages, subscribers=subscribers, backup=backup, failures=failures)
    is_heard = subscribers is None or subscribers.confirmed > 0
    report = logger.info if is_heard and not failures else logger.warning
    report("House looked at" if is_heard else "Nobody hears the alarms", extra={"result": result})
    if failures:
        raise access.NotSeenError(f"not looked at: {'; '.join(failures)}")
    return result


def _now() -> datetime:
    return datetime.now(UTC)
