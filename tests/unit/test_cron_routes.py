"""What the site's answers mean, and when the weekly reset is overdue."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lambdas.cron_routes.core import INTERMEDIARY_CLEANUP, WEEKLY_RESET, is_overdue, last_due, understand
from ops_lambdas.cron_routes.report import publish_overdue
from ops_lambdas.shared.http import Answer

MONDAY = datetime(2026, 11, 23, 14, tzinfo=UTC)

# In AWS: when it runs in production.
SCHEDULES = {
    "cron-routes-intermediary-cleanup": "rate(30 minutes)",
    "cron-routes-weekly-reset": "cron(0 14 ? * MON *)",
}


def publish_every_metric(environment: str) -> None:
    """Publish every metric of the check, for the tests of alarms and dashboard."""
    publish_overdue(environment, is_overdue=False)


def answer(body: object, status: int = 200) -> Answer:
    return Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("route", "body", "state", "cleaned"),
    [
        (INTERMEDIARY_CLEANUP, {"success": True, "cleaned": 0}, "ok", 0),
        (INTERMEDIARY_CLEANUP, {"success": True, "cleaned": 12, "timestamp": "now"}, "ok", 12),
        (INTERMEDIARY_CLEANUP, {"success": True}, "wrong_shape", None),
        (INTERMEDIARY_CLEANUP, {"success": True, "cleaned": -1}, "wrong_shape", None),
        (INTERMEDIARY_CLEANUP, {"success": True, "cleaned": True}, "wrong_shape", None),
        (INTERMEDIARY_CLEANUP, {"success": True, "cleaned": "12"}, "wrong_shape", None),
        (WEEKLY_RESET, {"success": True, "weekId": "2026-W48"}, "ok", None),
        (WEEKLY_RESET, {"success": False, "error": "no"}, "wrong_shape", None),
        (WEEKLY_RESET, {"success": "true"}, "wrong_shape", None),
        (WEEKLY_RESET, [], "wrong_shape", None),
        (WEEKLY_RESET, None, "wrong_shape", None),
        (WEEKLY_RESET, b"<html>", "not_json", None),
    ],
)
def test_an_answer_of_200_must_say_that_the_work_is_done(
    route: str, body: object, state: str, cleaned: int | None
) -> None:
    outcome = understand(route, answer(body), 12.5)
    assert (outcome.state, outcome.cleaned, outcome.milliseconds) == (state, cleaned, 12.5)
    assert bool(outcome.detail) is (state != "ok")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (401, "unauthorized"),
        (301, "redirected"),
        (404, "unexpected_status"),
        (500, "server_error"),
        (504, "server_error"),
    ],
)
def test_another_status_is_a_failure_with_the_beginning_of_the_body(status: int, state: str) -> None:
    outcome = understand(INTERMEDIARY_CLEANUP, answer({"success": True, "cleaned": 1, "more": "x" * 500}, status), 1)
    assert (outcome.state, outcome.status, outcome.cleaned) == (state, status, None)
    assert 0 < len(outcome.detail) <= 200


@pytest.mark.parametrize(
    ("last_reset", "now", "expected"),
    [
        (MONDAY - timedelta(days=7), MONDAY - timedelta(seconds=1), False),
        (MONDAY - timedelta(days=7), MONDAY, False),
        (MONDAY - timedelta(days=7), MONDAY + timedelta(minutes=59, seconds=59), False),
        (MONDAY - timedelta(days=7), MONDAY + timedelta(hours=1), True),
        (MONDAY + timedelta(seconds=20), MONDAY + timedelta(hours=1), False),
        (MONDAY + timedelta(seconds=20), MONDAY + timedelta(days=6, hours=23), False),
        (MONDAY + timedelta(seconds=20), MONDAY + timedelta(days=7, hours=1), True),
        # A deployment on a Wednesday is not late for the Monday before it.
        (MONDAY + timedelta(days=2), MONDAY + timedelta(days=2, hours=1), False),
    ],
)
def test_the_weekly_reset_is_overdue_an_hour_after_it_was_due(
    last_reset: datetime, now: datetime, expected: bool
) -> None:
    assert is_overdue(last_reset, now) is expected


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda now: now.year > 1))
def test_it_was_last_due_on_a_monday_at_14_within_a_week(now: datetime) -> None:
    due = last_due(now)
    assert (due.weekday(), due.hour, due.minute, due.second, due.microsecond) == (0, 14, 0, 0, 0)
    assert timedelta(0) <= now - due < timedelta(days=7)
