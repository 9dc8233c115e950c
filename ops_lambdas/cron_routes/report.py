"""Cron routes' result and metric."""

from typing import Literal, TypedDict

from ops_lambdas.cron_routes.core import Outcome
from ops_lambdas.shared.metrics import Metric, publish
from ops_lambdas.shared.site import State


class CronRoutesResult(TypedDict):
    """The check's result.

    Attributes:
        state: "ok"; "at_rest" in off-hours; or why the route did not do its work, and the run fails.
        cleaned: rows that intermediary-cleanup deleted.
        is_weekly_reset_overdue: it has not succeeded since Monday, 14:00 UTC, and that was over an hour ago.
    """

    state: State | Literal["at_rest"]
    environment: str
    route: str
    status: int | None
    milliseconds: float | None
    cleaned: int | None
    detail: str
    is_weekly_reset_overdue: bool


def result(environment: str, route: str, outcome: Outcome, *, is_overdue: bool) -> CronRoutesResult:
    """Return the check's result."""
    return {
        "state": outcome.state,
        "environment": environment,
        "route": route,
        "status": outcome.status,
        "milliseconds": outcome.milliseconds,
        "cleaned": outcome.cleaned,
        "detail": outcome.detail,
        "is_weekly_reset_overdue": is_overdue,
    }


def publish_overdue(environment: str, *, is_overdue: bool) -> None:
    """Publish whether the weekly reset is overdue."""
    publish({"Environment": environment}, Metric("WeeklyResetOverdue", is_overdue, is_rare=True))
