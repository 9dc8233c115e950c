"""Housekeeping on AWS: secrets, subscriptions and the DB instance in; metrics, log lines and a result out."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.housekeeping import access, core, due_secrets, report, standing_alarms
from ops_lambdas.housekeeping.core import Instance, RecoveryPoint, SecretAge
from ops_lambdas.housekeeping.settings import Settings
from ops_lambdas.housekeeping.standing_alarms import StandingAlarm
from ops_lambdas.shared import topic
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.settings import NoOptions, from_environment, from_event

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, _context: LambdaContext) -> report.HousekeepingResult:
    """Check the age of the secrets, the subscribers of the alarm topic, and the age of the database's backup.

    Snapshots of `make snapshot` whose last day is over are deleted. Third parties' keys that have to be replaced soon
    are emailed when they become due.

    Somebody who has subscribed since the last run gets an email with the alarms that are in ALARM. Two runs within two
    minutes, which is how long CloudWatch may take to show the first one's count, may both send it.

    Needs `secretsmanager:DescribeSecret` and `secretsmanager:ListSecretVersionIds` on the secrets,
    `sns:ListSubscriptionsByTopic` and `sns:Publish` on the topic, `kms:Decrypt` and `kms:GenerateDataKey` on its key,
    `cloudwatch:DescribeAlarms` and `cloudwatch:GetMetricData`, `rds:DescribeDBInstances` on the instance,
    `rds:DescribeDBSnapshots`, and `rds:DeleteDBSnapshot` on its snapshots, and what `replicated_backups` does.

    Raises:
        InvalidSettingError: the check cannot begin.
        NotCheckedError: something could not be checked; the rest was published.
    """
    from_event(NoOptions, event)
    config = from_environment(Settings, os.environ)
    now = _now()
    failures: list[str] = []
    backup = recovery = subscribers = None
    standing: Sequence[StandingAlarm] = ()
    with access.collected(failures, f"database {config.database_instance}"):
        instance = access.instance(config.database_instance)
        backup = core.backup(instance, now)
        report.publish_backup(config.environment, backup)
        recovery = _recovery_point(config, instance, now, failures)
    with access.collected(failures, f"topic {config.topic_arn}"):
        subscribers = core.subscribers(access.subscriptions(config.topic_arn), config.alarm_emails)
        standing = _notify(config, subscribers.confirmed, now)
        # Afterwards: what was not sent is sent by the next run, which finds the old count.
        report.publish_subscribers(config.environment, subscribers)
    deleted = _delete_expired(config.database_instance, now, failures)
    secrets = access.secrets(dict.fromkeys((*config.secret_arns, *config.empty_secret_arns)), failures)
    ages = core.secret_ages(secrets, config.secret_arns, now)
    due = due_secrets.due(ages)
    report.publish_secrets(config.environment, ages)
    with access.collected(failures, "reminder of secrets"):
        _remind(config, due, now)
        report.publish_due(config.environment, due)  # afterwards, too
    result = report.result(
        config.environment,
        ages=ages,
        secrets_due=due,
        empty_secrets=core.empty_secrets(secrets, config.empty_secret_arns),
        subscribers=subscribers,
        standing_alarms=standing,
        backup=backup,
        recovery_point=recovery,
        snapshots_deleted=deleted,
        failures=failures,
    )
    is_subscribed = subscribers is None or subscribers.confirmed > 0
    log = logger.info if is_subscribed and not failures and not result["empty_secrets"] else logger.warning
    log("Housekeeping checked" if is_subscribed else "Nobody is subscribed to the alarms", extra={"result": result})
    if failures:
        raise access.NotCheckedError(f"not checked: {'; '.join(failures)}")
    return result


def _notify(config: Settings, confirmed: int, now: datetime) -> Sequence[StandingAlarm]:
    """Email the alarms that are in ALARM when somebody has subscribed since the last run, and return them."""
    if not standing_alarms.has_new_subscriber(access.confirmed_before(config.environment, now), confirmed):
        return ()
    standing = access.standing_alarms(config.alarm_prefix)
    if standing:
        subject = standing_alarms.subject(config.environment, standing)
        topic.send(config.topic_arn, subject=subject, text=standing_alarms.text(standing))
    return standing


def _recovery_point(config: Settings, instance: Instance, now: datetime, failures: list[str]) -> RecoveryPoint | None:
    """Publish how old the latest backup in the recovery region is, where they are replicated to one."""
    recovery = None
    if config.recovery_region:
        with access.collected(failures, f"backups in {config.recovery_region}"):
            latest = access.replicated_backups(config.database_instance, config.recovery_region)
            recovery = core.recovery_point(config.recovery_region, latest, instance.created, now)
            report.publish_recovery_point(config.environment, recovery)
    return recovery


def _delete_expired(instance: str, now: datetime, failures: list[str]) -> list[str]:
    """Delete the instance's snapshots whose last day is over, each on its own, and return those that were."""
    deleted: list[str] = []
    expired: Sequence[str] = ()
    with access.collected(failures, f"snapshots of {instance}"):
        expired = core.expired(access.snapshots(instance), now)
    for snapshot in expired:
        with access.collected(failures, f"snapshot {snapshot}"):
            access.delete_snapshot(snapshot)
            deleted.append(snapshot)
    return deleted


def _remind(config: Settings, due: Sequence[SecretAge], now: datetime) -> None:
    """Email the secrets that are due when they have become more since the last runs."""
    if due and len(due) > access.due_before(config.environment, now):
        subject = due_secrets.subject(config.environment, due)
        region = config.topic_arn.split(":")[3]
        topic.send(config.topic_arn, subject=subject, text=due_secrets.text(config.environment, region, due))


def _now() -> datetime:
    return datetime.now(UTC)
