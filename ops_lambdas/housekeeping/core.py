"""Old secrets, missing subscribers, and a stale backup. Values in, values out."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

# The tag of a snapshot that `make snapshot` took: the last day, in UTC, on which it is kept.
DELETE_AFTER = "DeleteAfter"
MAX_SECRET_DAYS = 90  # the runbook, Security: "Rotate secrets every 90 days"
# RDS ships transaction logs every five minutes, so twelve of them are missing.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html
MAX_RESTORABLE_MINUTES = 60
# RDS replicates within 5 to 30 minutes; beyond, something is wrong. A new database's first copy takes its time.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html
MAX_RECOVERY_POINT_MINUTES, FIRST_COPY_MINUTES = 30, 180

_EMAIL = ("email", "email-json")
# Instead of an ARN. https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
_PENDING = "PendingConfirmation"


@dataclass(frozen=True)
class Secret:
    """A secret, and when its current value was set.

    Attributes:
        was_replaced: since the deployment made it.
        is_rotated: by Secrets Manager.
    """

    arn: str
    name: str
    created: datetime
    was_replaced: bool
    is_rotated: bool = False


@dataclass(frozen=True)
class SecretAge:
    """How old a secret's value is; `is_old` above MAX_SECRET_DAYS."""

    name: str
    days: float
    is_old: bool
    is_rotated: bool = False


@dataclass(frozen=True)
class Subscription:
    """A subscription as SNS lists it.

    Attributes:
        endpoint: an email address, or another protocol's endpoint.
        arn: also "PendingConfirmation", or "Deleted" for some days after it was removed.
    """

    protocol: str
    endpoint: str
    arn: str

    @property
    def is_confirmed(self) -> bool:
        """Whether it receives messages."""
        return self.arn.startswith("arn:")


@dataclass(frozen=True)
class Subscribers:
    """Who is subscribed to the alarm topic.

    Attributes:
        confirmed: how many; with 0 nobody receives any alarm.
        unconfirmed: endpoints that should receive alarms and do not.
    """

    confirmed: int
    unconfirmed: tuple[str, ...]


@dataclass(frozen=True)
class Instance:
    """A DB instance; `restorable` is its latest restorable time, None without any backup."""

    status: str
    created: datetime
    restorable: datetime | None


@dataclass(frozen=True)
class Backup:
    """How much would be lost if the database were restored now; without any backup, everything since its creation."""

    status: str
    has_backup: bool
    restorable_minutes_ago: float


@dataclass(frozen=True)
class RecoveryPoint:
    """The latest moment that the database can be restored to in the recovery region.

    Attributes:
        minutes_ago: without any, since the database's creation.
    """

    region: str
    exists: bool
    minutes_ago: float

    @property
    def is_known(self) -> bool:
        """Whether its age says something: a new database's first copy is not there yet."""
        return self.exists or self.minutes_ago > FIRST_COPY_MINUTES


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of the database that was taken by hand."""

    identifier: str
    status: str
    tags: Mapping[str, str]


def expired(snapshots: Iterable[Snapshot], now: datetime) -> tuple[str, ...]:
    """Return the identifiers of those whose last day is over; one without a valid day is kept."""
    return tuple(
        one.identifier
        for one in snapshots
        if one.status == "available" and _day(one.tags.get(DELETE_AFTER, "")) < now.date()
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.max


def secret_ages(secrets: Iterable[Secret], replaced: Container[str], now: datetime) -> tuple[SecretAge, ...]:
    """Return the age of each secret that is rotated or replaced, the oldest first.

    Args:
        replaced: ARNs.
    """
    ages = ((one, _since(one.created, now, timedelta(days=1))) for one in secrets if one.arn in replaced)
    return tuple(
        SecretAge(one.name, days, days > MAX_SECRET_DAYS, one.is_rotated)
        for one, days in sorted(ages, key=lambda age: -age[1])
    )


def empty_secrets(secrets: Iterable[Secret], to_fill: Container[str]) -> tuple[str, ...]:
    """Return the names of those that a person has to fill and has not: the deployment's value is empty.

    Args:
        to_fill: ARNs.
    """
    return tuple(sorted(one.name for one in secrets if one.arn in to_fill and not one.was_replaced))


def subscribers(subscriptions: Sequence[Subscription], emails: Iterable[str]) -> Subscribers:
    """Find who receives the alarms, and who should but does not.

    A configured address without any subscription counts as unconfirmed: SNS deletes subscriptions that are not
    confirmed within two days, and a click on "unsubscribe" in an email removes one.

    Args:
        emails: addresses that should be subscribed.
    """
    subscribed = {_address(one.endpoint) for one in subscriptions if one.is_confirmed and one.protocol in _EMAIL}
    missing = [email for email in emails if _address(email) not in subscribed]
    named = {_address(email) for email in missing}
    pending = [one.endpoint for one in subscriptions if one.arn == _PENDING]
    return Subscribers(
        confirmed=sum(one.is_confirmed for one in subscriptions),
        unconfirmed=(*missing, *(endpoint for endpoint in pending if _address(endpoint) not in named)),
    )


def backup(instance: Instance, now: datetime) -> Backup:
    """Return how long ago the instance's latest restorable time is."""
    minutes = _since(instance.restorable or instance.created, now, timedelta(minutes=1))
    return Backup(instance.status, instance.restorable is not None, minutes)


def recovery_point(region: str, latest: Iterable[datetime], created: datetime, now: datetime) -> RecoveryPoint:
    """Return the recovery point of the replicated backups.

    Args:
        latest: the latest restorable time of each of them.
        created: when the database was.
    """
    newest = max(latest, default=None)
    return RecoveryPoint(region, newest is not None, _since(newest or created, now, timedelta(minutes=1)))


def _since(then: datetime, now: datetime, unit: timedelta) -> float:
    """Return the time passed in units, rounded down to tenths so that no bound is passed early; at least 0."""
    return max(now - then, timedelta(0)) // (unit / 10) / 10


def _address(endpoint: str) -> str:
    """Return an address without case, to compare it."""
    return endpoint.casefold()
