"""Housekeeping's metrics."""

from collections.abc import Sequence

from ops_lambdas.housekeeping.core import Backup, SecretAge, Subscribers
from ops_lambdas.shared.metrics import Metric, publish


def publish_backup(environment: str, backup: Backup) -> None:
    """Publish how long ago the latest time is that the database can be restored to."""
    publish({"Environment": environment}, Metric("RestorableMinutesAgo", backup.restorable_minutes_ago, "None"))


def publish_subscribers(environment: str, subscribers: Subscribers) -> None:
    """Publish how many hear the alarms, and how many should and do not."""
    publish(
        {"Environment": environment},
        Metric("ConfirmedSubscribers", subscribers.confirmed),
        Metric("UnconfirmedSubscribers", len(subscribers.unconfirmed)),
    )


def publish_secrets(environment: str, ages: Sequence[SecretAge]) -> None:
    """Publish the oldest secret's age; nothing when no age is known."""
    if ages:
        publish({"Environment": environment}, Metric("OldestSecretDays", ages[0].days, "None"))
