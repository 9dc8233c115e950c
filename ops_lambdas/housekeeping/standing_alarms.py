"""Alarms that were in ALARM before somebody was subscribed: their emails reached nobody. Values in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

_SHOWN = 40  # of 256 KB that a message may have, each takes at most 1 KB


@dataclass(frozen=True)
class StandingAlarm:
    """An alarm that is in ALARM, since when, and its description: what is wrong, and what to do next."""

    name: str
    since: datetime
    description: str


def has_new_subscriber(before: int | None, confirmed: int) -> bool:
    """Whether more subscriptions are confirmed than at the last run; before the first run none was."""
    return confirmed > (before or 0)


def subject(environment: str, alarms: Sequence[StandingAlarm]) -> str:
    """Return the subject of the email."""
    some = f"{len(alarms)} alarms are" if len(alarms) > 1 else "1 alarm is"
    return f"{some} in ALARM: pardon-{environment}"


def text(alarms: Sequence[StandingAlarm]) -> str:
    """Return the text of the email: each alarm, the oldest first."""
    ordered = sorted(alarms, key=lambda alarm: alarm.since)
    parts = [f"{one.name}, since {one.since:%Y-%m-%d %H:%M} UTC\n{one.description}" for one in ordered[:_SHOWN]]
    if len(ordered) > _SHOWN:
        parts.append(f"and {len(ordered) - _SHOWN} more: see the dashboard")
    introduction = (
        "A subscription was confirmed after these alarms went into ALARM. They send no other email until then."
    )
    return "\n\n".join([introduction, *parts])
