"""Whether the tasks have to be replaced, and whether now. Values in, values out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

QUIET = timedelta(minutes=5)  # so that several secrets, changed one after the other, need one deployment

State = Literal["up_to_date", "waiting", "due"]


@dataclass(frozen=True)
class ChangedSecret:
    """A secret, and when its value became current."""

    name: str
    changed: datetime


@dataclass(frozen=True)
class Service:
    """The service.

    Attributes:
        desired: number of tasks.
        deployed: when the current deployment began; its tasks have read the secrets since.
        is_deploying: tasks are being replaced.
    """

    desired: int
    deployed: datetime
    is_deploying: bool


@dataclass(frozen=True)
class Decision:
    """What to do, and why.

    Attributes:
        secrets: names of those that have changed since the tasks started.
    """

    state: State
    reason: str
    secrets: tuple[str, ...] = ()


def changed_since(secrets: Iterable[ChangedSecret], moment: datetime) -> tuple[ChangedSecret, ...]:
    """Return the secrets that changed later, by their names."""
    return tuple(sorted((one for one in secrets if one.changed > moment), key=lambda one: one.name))


def decide(service: Service, changed: Sequence[ChangedSecret], now: datetime, *, is_outage: bool) -> Decision:
    """Decide whether to start a deployment now.

    Args:
        changed: secrets that changed since the current deployment began.
    """
    names = tuple(one.name for one in changed)
    if not changed:
        return Decision("up_to_date", "no secret has changed since the tasks' deployment began")
    if service.desired == 0:
        return Decision("up_to_date", "no task runs; the next ones read the secrets when they start", names)
    since = now - max(one.changed for one in changed)
    if since < QUIET:
        return Decision("waiting", f"the last change was {round(since.total_seconds())} s ago, more may follow", names)
    if service.is_deploying:
        return Decision("waiting", "a deployment is under way", names)
    if is_outage:
        return Decision("waiting", "the site is down; whoever mends it decides about deployments", names)
    return Decision("due", "the tasks still have the values from before", names)
