"""How often a schedule fires, and how long a service rests between two."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cronsim import CronSim

from prices.items import HOURS
from prices.table import UnpricedError

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}
# Four weeks from a Monday: every weekday as often.
_START = datetime(2026, 3, 2, tzinfo=UTC)
_WEEKS = timedelta(weeks=4)


def runs_a_month(expression: str) -> float:
    """How often `rate(...)` or `cron(...)` of EventBridge fires in a month of 730 hours.

    Raises:
        UnpricedError: it is neither.
    """
    if rate := _RATE.fullmatch(expression):
        return HOURS * 60 / (int(rate[1]) * _MINUTES[rate[2]])
    return len(_moments(expression)) * timedelta(hours=HOURS) / _WEEKS


def share_of_time_on(actions: Sequence[Mapping[str, Any]]) -> float:
    """The share of a week in which the scheduled actions of Application Auto Scaling let tasks run; 1 without any."""
    moments = sorted(
        (moment, action["ScalableTargetAction"]["MinCapacity"] > 0)
        for action in actions
        for moment in _moments(action["Schedule"])
    )
    if not moments:
        return 1.0
    on = timedelta()
    is_on, since = moments[-1][1], _START
    for moment, is_on_then in [*moments, (_START + _WEEKS, False)]:
        on += (moment - since) if is_on else timedelta()
        is_on, since = is_on_then, moment
    return on / _WEEKS


def _moments(expression: str) -> list[datetime]:
    match = re.fullmatch(r"cron\((\S+ \S+ \S+ \S+ \S+) \*\)", expression)
    if not match:
        raise UnpricedError(f"how often {expression!r} fires is not known, must be rate(...) or cron(... *)")
    moments = []
    for moment in CronSim(match[1].replace("?", "*"), _START - timedelta(minutes=1)):
        if moment >= _START + _WEEKS:
            break
        moments.append(moment)
    return moments
