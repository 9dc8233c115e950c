"""Housekeeping's result, for people and programs that run it by hand."""

from dataclasses import asdict
from typing import Any, Literal, TypedDict

from ops_lambdas.housekeeping.core import Backup, SecretAge, Subscribers


class HousekeepingResult(TypedDict):
    """What was seen.

    Attributes:
        state: "incomplete" when something could not be looked at; `failures` says what and why.
        secrets: those whose age is known, the oldest first: name, days, is_old.
        subscribers: confirmed, unconfirmed; null when not known.
        backup: status, has_backup, restorable_minutes_ago; null when not known.
    """

    state: Literal["looked", "incomplete"]
    environment: str
    oldest_secret_days: float | None
    secrets: list[dict[str, Any]]
    subscribers: dict[str, Any] | None
    backup: dict[str, Any] | None
    failures: list[str]


def told(
    environment: str,
    *,
    ages: tuple[SecretAge, ...],
    subscribers: Subscribers | None,
    backup: Backup | None,
    failures: list[str],
) -> HousekeepingResult:
    """Return the result that tells all this."""
    return {
        "state": "incomplete" if failures else "looked",
        "environment": environment,
        "oldest_secret_days": ages[0].days if ages else None,
        "secrets": [asdict(age) for age in ages],
        "subscribers": asdict(subscribers) if subscribers else None,
        "backup": asdict(backup) if backup else None,
        "failures": failures,
    }
