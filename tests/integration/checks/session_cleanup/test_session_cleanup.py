"""Session cleanup end to end: its options, its states, and what it does in its time."""

import time

import pytest

from ops_lambdas.session_cleanup import core
from ops_lambdas.shared import database as shared_database
from ops_lambdas.shared.database import Credentials, DatabaseError
from ops_lambdas.shared.settings import InvalidSettingError
from tests.integration.checks.ecs import task
from tests.integration.checks.servers import drips, hangs, serving
from tests.integration.checks.session_cleanup.world import World, add, states, threads_of


def test_idle_sessions_end_and_their_threads_close_on_every_task(world: World) -> None:
    stale = set(add(world.connection, 30, idle="2 hours", threads=2))
    add(world.connection, 10, idle="5 minutes", threads=2)
    add(world.connection, 5, idle="61 minutes", threads=2, said="1 minute")
    world.open_threads()
    active = {
        (pool, thread)
        for pool, thread in threads_of(world.connection)
        if world.connection.run('SELECT "sessionId" FROM "Thread" WHERE "coralThreadId" = :t', t=thread)[0][0]
        not in stale
    }
    assert world.run() == {
        "state": "cleaned",
        "environment": "rehearsal",
        "is_complete": True,
        "older_than_minutes": 60,
        "sessions_stale": 30,
        "sessions_ended": 30,
        "sessions_spared": 0,
        "sessions_left": 0,
        "sessions_kept_active": 5,
        "threads_closed": 60,
        "threads_spared": 0,
        "threads_left": 0,
        "threads_still_listed": 0,
        "tasks": 3,
        "tasks_failed": 0,
        "tasks_unlisted": [],
        "tasks_without_pools": [],
        "pools_unlisted": [],
    }
    assert {one for one, state in states(world.connection).items() if state.end} == stale
    assert {(pool, thread) for _, pool, thread in world.corals.held()} == active
    assert world.metrics == {"SessionsStale": 30, "SessionsEnded": 30, "ThreadsClosed": 60}, "and what is zero is not"
    (log,) = world.logs
    assert (log["level"], log["result"]["sessions_ended"]) == ("INFO", 30)
    again = world.run()
    assert (again["sessions_stale"], again["threads_closed"], again["tasks"]) == (0, 0, 0)
    assert len(world.ecs.calls) == 2, "without a thread to close, ECS is not asked"


def test_a_dry_run_counts_and_changes_nothing(world: World) -> None:
    add(world.connection, 4, idle="2 hours", threads=1, pools=1)
    world.open_threads()
    before, held = states(world.connection), world.corals.held()
    assert world.run({"dry_run": True}) == {
        "state": "dry_run",
        "environment": "rehearsal",
        "older_than_minutes": 60,
        "sessions_stale": 4,
        "sessions_kept_active": 0,
        "threads": 4,
        "pools": [{"pool": "pool-0", "sessions_stale": 4, "sessions_kept_active": 0, "threads": 4}],
        "unlisted_pools": 0,
    }
    assert (states(world.connection), world.corals.held(), world.metrics) == (before, held, {})


def test_another_idle_time_is_an_option(world: World) -> None:
    add(world.connection, 2, idle="20 minutes")
    add(world.connection, 3, idle="2 hours")
    assert world.run({"older_than_minutes": 180})["sessions_ended"] == 0
    assert world.run({"older_than_minutes": 60})["sessions_ended"] == 3
    assert world.run({"older_than_minutes": 10})["sessions_ended"] == 2


def test_a_bad_event_ends_nothing(world: World) -> None:
    add(world.connection, 1, idle="8 days")
    before = states(world.connection)
    age = "older_than_minutes must be a whole number from 10 to 10080 minutes, got"
    for event, message in (
        ({"older_than_minutes": 9}, f"{age} 9"),
        ({"older_than_minutes": 10081}, f"{age} 10081"),
        ({"older_than_minutes": True}, f"{age} True"),
        ({"older_than_minutes": "60"}, f"{age} '60'"),
        ({"dry_run": "yes"}, "dry_run must be true or false, got 'yes'"),
        ({"dryrun": True}, "event must be an object with dry_run, older_than_minutes"),
    ):
        with pytest.raises(InvalidSettingError, match=message):
            world.run(event)
    assert (states(world.connection), world.metrics) == (before, {})


def test_a_second_run_at_once_does_nothing(world: World, ops_login: Credentials) -> None:
    add(world.connection, 1, idle="2 hours")
    with shared_database.writing(ops_login, application_name="other") as other:
        assert other.try_lock("session_cleanup")
        assert world.run() == {"state": "already_running", "environment": "rehearsal"}
        assert world.run({"dry_run": True})["state"] == "dry_run"
    assert world.run()["sessions_ended"] == 1


def test_missing_tables_are_a_state(world: World) -> None:
    world.connection.run('ALTER TABLE "Session" RENAME TO "Elsewhere"')
    assert world.run() == {"state": "tables_missing", "environment": "rehearsal"}
    assert world.metrics == {}
    assert world.run({"dry_run": True})["state"] == "tables_missing"
    world.connection.run('ALTER TABLE "Elsewhere" RENAME TO "Session"')


def test_when_time_is_short_the_rest_is_counted_and_ended_later(world: World) -> None:
    add(world.connection, core.BATCH_SESSIONS + 10, idle="2 hours")
    world.seconds = core.RESERVED_SECONDS
    result = world.run()
    assert (result["state"], result["sessions_ended"], result["sessions_left"]) == ("cleaned", 0, 2010)
    assert (world.metrics["SessionsStale"], world.metrics["SessionsLeft"]) == (2010, 2010)
    world.seconds = 120
    assert (world.run()["sessions_ended"], world.run()["sessions_stale"]) == (2010, 0)


def test_what_was_ended_before_the_database_failed_is_published_and_its_threads_are_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops_lambdas.session_cleanup.access.end_stale.__kwdefaults__", {"batch_sessions": 10})
    add(world.connection, 20, idle="2 hours", threads=1)
    world.open_threads()
    real = core.Sessions.add

    def add_and_cut(self: core.Sessions, batch: core.Batch) -> core.Sessions:
        sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'session_cleanup'"
        world.connection.run(sql)
        return real(self, batch)

    monkeypatch.setattr(core.Sessions, "add", add_and_cut)
    with pytest.raises(DatabaseError):
        world.run()
    ended = [state for state in states(world.connection).values() if state.end]
    assert len(ended) == world.metrics["SessionsEnded"] == world.metrics["ThreadsLeft"] == 10
    assert len(world.corals.held()) == 20, "without the database nobody knows whether a user has come back"


def test_a_run_ends_within_its_time_whatever_is_slow(world: World) -> None:
    """Tasks that drip and that hang: the function's timeout comes later."""
    add(world.connection, 50, idle="2 hours", threads=2, pools=1)
    world.open_threads()
    world.corals.answer_seconds = 0.1
    world.seconds = core.RESERVED_SECONDS + 4
    world.ecs.tasks += [task("drips", "127.0.0.20"), task("hangs", "127.0.0.21"), task("gone", "127.0.0.22")]
    port, before = world.corals.port, time.monotonic()
    with serving(drips(), host="127.0.0.20", port=port), serving(hangs, host="127.0.0.21", port=port):
        result = world.run()
    world.corals.answer_seconds = 0
    assert time.monotonic() - before < world.seconds
    assert (result["sessions_ended"], result["is_complete"]) == (50, False)
    assert world.corals.held() == set()
