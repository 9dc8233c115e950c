"""Session cleanup's decisions: what it counts, what it keeps, and how it divides its time."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lambdas.session_cleanup import core
from ops_lambdas.session_cleanup.core import Batch, Closed, Sessions
from ops_lambdas.session_cleanup.report import cleaned, publish_metrics
from ops_lambdas.session_cleanup.settings import Options
from ops_lambdas.shared.closing import Closings, Outcome
from ops_lambdas.shared.coral import Thread
from ops_lambdas.shared.fleet import Held, Listing
from ops_lambdas.shared.settings import InvalidSettingError, from_event
from ops_lambdas.shared.tasks import Task, Tasks

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


HELD = st.builds(Held, task=st.sampled_from("ab"), pool=st.sampled_from(["p", "q"]), thread=st.integers(0, 9).map(str))
OUTCOMES = st.dictionaries(HELD, st.sampled_from(["closed", "gone", "failed", "spared", None]), max_size=20)


@given(outcomes=OUTCOMES, is_complete=st.booleans(), count=st.integers(0, 12))
def test_a_thread_counts_by_its_worst_outcome_on_any_task(
    outcomes: dict[Held, Outcome | None], is_complete: bool, count: int
) -> None:
    closings = Closings({one: outcome for one, outcome in outcomes.items() if outcome})
    listing = Listing(held=tuple(outcomes), failing=frozenset() if is_complete else frozenset("b"))
    threads = [Thread("p", str(number)) for number in range(count)]
    result = core.closed(threads, Tasks((Task("a", "127.0.0.1"), Task("b", "127.0.0.2"))), listing, closings)
    assert result.threads + result.spared + result.left == count
    seen = {thread.id: {of for one, of in outcomes.items() if one.thread == thread.id} for thread in threads}
    assert result.left == sum(bool(of & {None, "failed"}) or (not of and not is_complete) for of in seen.values())
    assert result.spared == sum("spared" in of and not of & {None, "failed"} for of in seen.values())
    assert (result.tasks, result.tasks_failed >= (not is_complete)) == (2, True)


def test_on_a_task_that_cannot_be_asked_what_nobody_holds_is_left() -> None:
    tasks = Tasks((Task("a", "127.0.0.1"),), without_address=("b",))
    held = Held("a", "p", "1")
    result = core.closed([Thread("p", "1"), Thread("p", "2")], tasks, Listing(held=(held,)), Closings({held: "closed"}))
    assert (result.threads, result.left, result.tasks, result.tasks_failed) == (1, 1, 2, 1)


def test_the_result_is_json_and_counts_threads_that_were_not_kept() -> None:
    sessions = Sessions(stale=9, ended=6, spared=2, unkept_threads=4, kept_active=7)
    listing = Listing(without_pools=("b",), failing=frozenset("b"))
    closed = Closed(threads=5, spared=2, left=1, tasks=3, tasks_failed=1, listing=listing)
    result = cleaned(sessions, closed, environment="production", older_than_minutes=60)
    assert json.loads(json.dumps(result)) == {
        "state": "cleaned",
        "environment": "production",
        "is_complete": False,
        "older_than_minutes": 60,
        "sessions_stale": 9,
        "sessions_ended": 6,
        "sessions_spared": 2,
        "sessions_left": 1,
        "sessions_kept_active": 7,
        "threads_closed": 5,
        "threads_spared": 2,
        "threads_left": 5,
        "threads_still_listed": 0,
        "tasks": 3,
        "tasks_failed": 1,
        "tasks_unlisted": [],
        "tasks_without_pools": ["b"],
        "pools_unlisted": [],
    }
