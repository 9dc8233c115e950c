"""What an answer means, and when the weekly reset is overdue. Values in, values out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ops_lambdas.shared.bounds import shown
from ops_lambdas.shared.http import Answer, NotJsonError
from ops_lambdas.shared.site import MAX_DETAIL_LENGTH, State, state_of_status

INTERMEDIARY_CLEANUP, WEEKLY_RESET = "intermediary-cleanup", "weekly-reset"
RESET_WEEKDAY, RESET_HOUR = 0, 14  # Monday, UTC
# A failed run is retried after one and three minutes; then a person has to look.
MAX_DELAY = timedelta(hours=1)
_MAX_ROWS = 10**12


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of calling a route.

    Attributes:
        state: "at_rest" when the route failed and the service wants no task.
        cleaned: rows that the intermediary cleanup deleted; None of the other route, and when it failed.
    """

    state: State | Literal["at_rest"]
    status: int | None = None
    milliseconds: float | None = None
    cleaned: int | None = None
    detail: str = ""


def understand(route: str, answer: Answer, milliseconds: float) -> Outcome:
    """Return the outcome for a whole answer: JSON with `success` true, and `cleaned` of the intermediary cleanup."""

    def outcome(state: State, detail: str = "", cleaned: int | None = None) -> Outcome:
        return Outcome(
            state=state,
            status=answer.status,
            milliseconds=milliseconds,
            cleaned=cleaned,
            detail=detail[:MAX_DETAIL_LENGTH],
        )

    state = state_of_status(answer.status)
    if state != "ok":
        return outcome(state, shown(answer.body, MAX_DETAIL_LENGTH))
    try:
        body = answer.json()
    except NotJsonError as error:
        return outcome("not_json", str(error))
    if not isinstance(body, dict) or body.get("success") is not True:
        return outcome("wrong_shape", f"success must be true, got {shown(body, MAX_DETAIL_LENGTH)}")
    if route == WEEKLY_RESET:
        return outcome("ok")
    cleaned = body.get("cleaned")
    if not isinstance(cleaned, int) or isinstance(cleaned, bool) or not 0 <= cleaned <= _MAX_ROWS:
        return outcome("wrong_shape", f"cleaned must be a number of rows, got {shown(cleaned)}")
    return outcome("ok", cleaned=cleaned)


def last_due(now: datetime) -> datetime:
    """Return the last Monday, 14:00 UTC."""
    of_this_week = now - timedelta(days=now.weekday() - RESET_WEEKDAY)
    due = of_this_week.replace(hour=RESET_HOUR, minute=0, second=0, microsecond=0)
    return due if due <= now else due - timedelta(days=7)


def is_overdue(last_reset: datetime, now: datetime) -> bool:
    """Whether the weekly reset should have succeeded since `last_reset`, an hour ago at least."""
    due = last_due(now)
    return last_reset < due and now - due >= MAX_DELAY
