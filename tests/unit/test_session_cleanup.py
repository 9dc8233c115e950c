"""Session cleanup's decisions: what it counts, what it keeps, and how it divides its time."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lambdas.session_cleanup import core
from ops_lambdas.session_cleanup.core import Batch, Closed, Sessions
from ops_lambdas.session_cleanup.report import cleaned, publish_metrics
from ops_lambdas.session_cleanup.settings import Options
from ops_lambdas.shared.coral import Outcome, Thread
from ops_lambdas.shared.settings import InvalidSettingError, from_event

BATCHES = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 30)).map(
        lambda drawn: Batch(max(drawn[:2]), min(drawn[:2]), tuple(Thread("p", str(n)) for n in range(drawn[2])))
    ),
    max_size=20,
)


# In AWS: when it runs in production.
SCHEDULES = {"session-cleanup": "rate(15 minutes)"}


def publish_every_metric(environment: str) -> None:
    """Publish every metric of the check, for the tests of alarms and dashboard."""
    publish_metrics(environment, Sessions(), Closed())


@pytest.mark.parametrize(
    ("event", "options"),
    [
        (None, Options(dry_run=False, older_than_minutes=60)),
        ({}, Options(dry_run=False, older_than_minutes=60)),
        ({"dry_run": True}, Options(dry_run=True, older_than_minutes=60)),
        ({"older_than_minutes": 10}, Options(dry_run=False, older_than_minutes=10)),
        ({"older_than_minutes": 10080}, Options(dry_run=False, older_than_minutes=10080)),
    ],
)
def test_options_are_read_within_their_limits(event: object, options: Options) -> None:
    assert from_event(Options, event) == options


@pytest.mark.parametrize("minutes", [9, 10081, 0, -60, 60.0, "60", True, None])
def test_an_age_beyond_its_limits_is_refused(minutes: object) -> None:
    with pytest.raises(
        InvalidSettingError, match=r"^older_than_minutes must be a whole number from 10 to 10080 minutes"
    ):
        from_event(Options, {"older_than_minutes": minutes})


@settings(deadline=None)
@given(batches=BATCHES, unseen=st.integers(0, 100), room=st.integers(0, 100))
def test_every_session_and_every_thread_is_counted_once(batches: list[Batch], unseen: int, room: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "MAX_THREADS", room)
        sessions = Sessions(stale=sum(batch.stale for batch in batches) + unseen)
        for batch in batches:
            sessions = sessions.add(batch)
    assert sessions.ended + sessions.spared + sessions.left == sessions.stale
    assert sessions.left == unseen
    assert sessions.ended == sum(batch.ended for batch in batches)
    threads = [thread for batch in batches for thread in batch.threads]
    assert list(sessions.threads) == threads[:room]
    assert len(sessions.threads) + sessions.unkept_threads == len(threads)


@pytest.mark.parametrize(
    ("remaining", "for_sessions", "for_threads"),
    [(300, 145, 290), (30, 10, 20), (10, 0, 0), (9.9, 0, 0), (0, 0, 0), (-5, 0, 0)],
)
def test_sessions_get_half_of_the_time_and_the_end_is_kept_free(
    remaining: float, for_sessions: float, for_threads: float
) -> None:
    assert core.seconds_for_sessions(remaining) == for_sessions
    assert core.seconds_for_threads(remaining) == for_threads


OUTCOMES = st.sampled_from(["closed", "gone", "failed", "unreachable", "out_of_time", None])


@given(tasks=st.integers(1, 4).flatmap(lambda size: st.lists(st.lists(OUTCOMES, min_size=size, max_size=size))))
def test_a_thread_is_closed_when_it_is_on_every_task(tasks: list[list[Outcome | None]]) -> None:
    result = core.closed(9, tasks)
    closed = 9 if not tasks else sum({*column} <= {"closed", "gone"} for column in zip(*tasks, strict=True))
    assert (result.threads, result.left, result.tasks) == (closed, 9 - closed, len(tasks))
    assert result.tasks_failed == sum(not {*of_task} <= {"closed", "gone"} for of_task in tasks)


@given(closed=st.builds(Closed, *[st.integers(0, 1000)] * 4), tasks=st.integers(1, 9))
def test_on_a_task_that_cannot_be_asked_every_thread_is_left(closed: Closed, tasks: int) -> None:
    result = core.unreached(closed, tasks)
    assert (result.threads, result.left) == (0, closed.threads + closed.left)
    assert (result.tasks - closed.tasks, result.tasks_failed - closed.tasks_failed) == (tasks, tasks)


def test_the_result_is_json_and_counts_threads_that_were_not_kept() -> None:
    sessions = Sessions(stale=9, ended=6, spared=2, unkept_threads=4)
    closed = Closed(threads=5, left=1, tasks=3, tasks_failed=1)
    result = cleaned(sessions, closed, environment="production", older_than_minutes=60)
    assert json.loads(json.dumps(result)) == {
        "state": "cleaned",
        "environment": "production",
        "older_than_minutes": 60,
        "sessions_stale": 9,
        "sessions_ended": 6,
        "sessions_spared": 2,
        "sessions_left": 1,
        "threads_closed": 5,
        "threads_left": 5,
        "tasks": 3,
        "tasks_failed": 1,
    }
