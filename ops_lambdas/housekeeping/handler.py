"""Housekeeping on AWS: secrets, subscriptions and the DB instance in; metrics, log lines and a result out."""

import os
from datetime import UTC, datetime

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.housekeeping import access, core, report
from ops_lambdas.housekeeping.settings import Settings
from ops_lambdas.shared.settings import NoOptions, from_environment, from_event

logger = Logger(utc=True)


@logger.inject_lambda_context
def handler(event: object, _context: LambdaContext) -> report.HousekeepingResult:
    """Check the age of the secrets, the subscribers of the alarm topic, and the age of the database's backup.

    Needs `secretsmanager:DescribeSecret` and `secretsmanager:ListSecretVersionIds` on the secrets,
    `sns:ListSubscriptionsByTopic` on the topic and `rds:DescribeDBInstances` on the instance.

    Raises:
        InvalidSettingError: the check cannot begin.
        NotCheckedError: something could not be checked; the rest was published.
    """
    from_event(NoOptions, event)
    config = from_environment(Settings, os.environ)
    now = _now()
    failures: list[str] = []
    backup = subscribers = None
    with access.collected(failures, f"database {config.database_instance}"):
        backup = core.backup(access.instance(config.database_instance), now)
        report.publish_backup(config.environment, backup)
    with access.collected(failures, f"topic {config.topic_arn}"):
        subscribers = core.subscribers(access.subscriptions(config.topic_arn), config.alarm_emails)
        report.publish_subscribers(config.environment, subscribers)
    ages = core.secret_ages(access.secrets(config.secret_arns, failures), now)
    report.publish_secrets(config.environment, ages)
    result = report.result(config.environment, ages=ages, subscribers=subscribers, backup=backup, failures=failures)
    is_subscribed = subscribers is None or subscribers.confirmed > 0
    log = logger.info if is_subscribed and not failures else logger.warning
    log("Housekeeping checked" if is_subscribed else "Nobody is subscribed to the alarms", extra={"result": result})
    if failures:
        raise access.NotCheckedError(f"not checked: {'; '.join(failures)}")
    return result


def _now() -> datetime:
    return datetime.now(UTC)
