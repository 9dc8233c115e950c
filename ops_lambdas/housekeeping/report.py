"""Housekeeping's result and metrics."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal, TypedDict

from ops_lambdas.housekeeping.core import MAX_RESTORABLE_MINUTES, Backup, RecoveryPoint, SecretAge, Subscribers
from ops_lambdas.housekeeping.due_secrets import REMIND_DAYS
from ops_lambdas.housekeeping.standing_alarms import StandingAlarm
from ops_lambdas.shared.metrics import Metric, publish

CONFIRMED_SUBSCRIBERS = "ConfirmedSubscribers"
SECRETS_DUE = "SecretsDue"


class HousekeepingResult(TypedDict):
    """The check's result.

    Attributes:
        state: "incomplete" when something could not be checked; `failures` names what and why.
        secrets: those whose age is known, the oldest first: name, days, is_old, is_rotated.
        secrets_due: third parties' keys that a person has to replace soon, by name.
        empty_secrets: names of those that a person has to fill and has not.
        subscribers: confirmed, unconfirmed; null when not known.
        standing_alarms: those that a new subscriber was notified of, by name.
        recovery_point: region, exists, minutes_ago; null when not known, or without a recovery region.
        snapshots_deleted: those of `make snapshot` whose last day was over.
        backup: status, has_backup, restorable_minutes_ago; null when not known.
    """

    state: Literal["looked", "incomplete"]
    environment: str
    oldest_secret_days: float | None
    secrets: list[dict[str, Any]]
    secrets_due: list[str]
    empty_secrets: list[str]
    subscribers: dict[str, Any] | None
    standing_alarms: list[str]
    backup: dict[str, Any] | None
    recovery_point: dict[str, Any] | None
    snapshots_deleted: list[str]
    failures: list[str]


def result(
    environment: str,
    *,
    ages: tuple[SecretAge, ...],
    secrets_due: Sequence[SecretAge],
    empty_secrets: Sequence[str],
    subscribers: Subscribers | None,
    standing_alarms: Sequence[StandingAlarm],
    backup: Backup | None,
    recovery_point: RecoveryPoint | None,
    snapshots_deleted: list[str],
    failures: list[str],
) -> HousekeepingResult:
    """Return the check's result."""
    return {
        "state": "incomplete" if failures else "looked",
        "environment": environment,
        "oldest_secret_days": ages[0].days if ages else None,
        "secrets": [asdict(age) for age in ages],
        "secrets_due": [age.name for age in secrets_due],
        "empty_secrets": list(empty_secrets),
        "subscribers": asdict(subscribers) if subscribers else None,
        "standing_alarms": [alarm.name for alarm in standing_alarms],
        "backup": asdict(backup) if backup else None,
        "recovery_point": asdict(recovery_point) if recovery_point else None,
        "snapshots_deleted": snapshots_deleted,
        "failures": failures,
    }


def publish_backup(environment: str, backup: Backup) -> None:
    """Publish how long ago the latest restorable time of the database is, when that is too long."""
    minutes = backup.restorable_minutes_ago if backup.restorable_minutes_ago > MAX_RESTORABLE_MINUTES else 0
    publish({"Environment": environment}, Metric("RestorableMinutesAgo", minutes, "None", is_rare=True))


def publish_recovery_point(environment: str, recovery: RecoveryPoint) -> None:
    """Publish how old the recovery point is; nothing before a new database's first copy can be there."""
    if recovery.is_known:
        publish({"Environment": environment}, Metric("RecoveryPointMinutesAgo", recovery.minutes_ago, "None"))


def publish_subscribers(environment: str, subscribers: Subscribers) -> None:
    """Publish how many subscriptions of the alarm topic are confirmed, and how many are missing or pending."""
    publish(
        {"Environment": environment},
        Metric(CONFIRMED_SUBSCRIBERS, subscribers.confirmed),
        Metric("UnconfirmedSubscribers", len(subscribers.unconfirmed)),
    )


def publish_due(environment: str, due: Sequence[SecretAge]) -> None:
    """Publish how many secrets are due, unless none is."""
    publish({"Environment": environment}, Metric(SECRETS_DUE, len(due), is_rare=True))


def publish_secrets(environment: str, ages: Sequence[SecretAge]) -> None:
    """Publish the oldest secret's age, unless it is below REMIND_DAYS: until then there is nothing to do."""
    days = ages[0].days if ages and ages[0].days >= REMIND_DAYS else 0
    publish({"Environment": environment}, Metric("OldestSecretDays", days, "None", is_rare=True))
