"""What nobody feels today: old secrets, subscribers who hear nothing, a backup that stands still. Values in and out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_SECRET_DAYS = 90  # the runbook, Security: "Rotate secrets every 90 days"

_EMAIL = ("email", "email-json")
# In place of an ARN. https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
_PENDING = "PendingConfirmation"


@dataclass(frozen=True)
class Secret:
    """A secret, and since when it has had its current value."""

    name: str
    created: datetime


@dataclass(frozen=True)
class SecretAge:
    """How old a secret's value is; `is_old` above MAX_SECRET_DAYS."""

    name: str
    days: float
    is_old: bool


@dataclass(frozen=True)
class Subscription:
    """A subscription as SNS lists it.

    Attributes:
        endpoint: an e-mail address, or what else the protocol has.
        arn: what stands in its place is "PendingConfirmation", or "Deleted" for some days after its end.
    """

    protocol: str
    endpoint: str
    arn: str

    @property
    def is_confirmed(self) -> bool:
        """It gets every message."""
        return self.arn.startswith("arn:")


@dataclass(frozen=True)
class Subscribers:
    """Who hears the alarms.

    Attributes:
        confirmed: how many; with 0 nobody hears any alarm.
        unconfirmed: endpoints of those who should and do not.
    """

    confirmed: int
    unconfirmed: tuple[str, ...]


@dataclass(frozen=True)
class Instance:
    """A DB instance; `restorable` is the latest time that it can be restored to, None without any backup."""

    status: str
    created: datetime
    restorable: datetime | None


@dataclass(frozen=True)
class Backup:
    """How much would be lost if the database were restored now; all since its creation without any backup."""

    status: str
    has_backup: bool
    restorable_minutes_ago: float


def secret_ages(secrets: Iterable[Secret], now: datetime) -> tuple[SecretAge, ...]:
    """Return each secret's age, the oldest first."""
    days = ((secret.name, _since(secret.created, now, timedelta(days=1))) for secret in secrets)
    return tuple(SecretAge(name, age, age > MAX_SECRET_DAYS) for name, age in sorted(days, key=lambda one: -one[1]))


def subscribers(subscriptions: Sequence[Subscription], emails: Iterable[str]) -> Subscribers:
    """Find who hears the alarms, and who does not.

    A configured address without any subscription counts, too: SNS deletes those that are not confirmed within
    two days, and a click on "unsubscribe" in a mail removes one.

    Args:
        emails: those that are meant to hear them.
    """
    heard = {_address(one.endpoint) for one in subscriptions if one.is_confirmed and one.protocol in _EMAIL}
    missing = [email for email in emails if _address(email) not in heard]
    named = {_address(email) for email in missing}
    pending = [one.endpoint for one in subscriptions if one.arn == _PENDING]
    return Subscribers(
        confirmed=sum(one.is_confirmed for one in subscriptions),
        unconfirmed=(*missing, *(endpoint for endpoint in pending if _address(endpoint) not in named)),
    )


def backup(instance: Instance, now: datetime) -> Backup:
    """Return how long ago the latest time is that the instance can be restored to."""
    minutes = _since(instance.restorable or instance.created, now, timedelta(minutes=1))
    return Backup(instance.status, instance.restorable is not None, minutes)


def _since(then: datetime, now: datetime, unit: timedelta) -> float:
    """Tenths that have passed, rounded down so that no bound is passed early; 0 when AWS's clock is ahead of ours."""
    return max(now - then, timedelta(0)) // (unit / 10) / 10


def _address(endpoint: str) -> str:
    """What tells addresses apart; the case of letters does not."""
    return endpoint.casefold()
