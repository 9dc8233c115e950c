"""Thread cleanup when the database fails, refuses, or lacks the tables: nothing is closed without it."""

import threading

import pytest

from ops_lambdas.shared import closing, thread_records
from ops_lambdas.shared.database import DatabaseError
from ops_lambdas.thread_cleanup import cleanup
from tests.integration.checks.thread_cleanup.world import World, closed, ids


@pytest.mark.parametrize("missing", ['"Message"', '"Message", "Thread", "Session"'])
def test_missing_tables_are_a_state(own_world: World, missing: str) -> None:
    own_world.corals.tasks[0].open("pool-0", "unknown")
    own_world.connection.run(f"DROP TABLE {missing}")
    assert own_world.run() == {"state": "tables_missing", "environment": "rehearsal"}
    assert (closed(own_world), own_world.metrics, own_world.ecs.calls) == (set(), {}, [])


def test_tables_that_go_missing_in_the_grace_period_close_nothing(own_world: World) -> None:
    own_world.corals.tasks[0].open("pool-0", "unknown")
    own_world.grace_seconds = 0.4
    own_world.in_grace_period(lambda: own_world.connection.run('DROP TABLE "Message"'))
    assert own_world.run() == {"state": "tables_missing", "environment": "rehearsal"}
    assert closed(own_world) == set()


def test_a_database_that_refuses_closes_nothing(own_world: World) -> None:
    own_world.corals.tasks[0].open("pool-0", "unknown")
    admin = own_world.database.server.connect()
    admin.run(f"ALTER DATABASE {own_world.database.name} ALLOW_CONNECTIONS false")
    admin.close()
    own_world.fails(DatabaseError, "not currently accepting connections")
    assert (closed(own_world), own_world.metrics) == (set(), {})


def cut(world: World) -> None:
    world.connection.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'thread_cleanup'"
    )


def test_a_database_that_drops_in_the_grace_period_closes_nothing(world: World) -> None:
    world.corals.tasks[0].open("pool-0", "unknown")
    world.grace_seconds = 0.4
    world.in_grace_period(lambda: cut(world))
    world.fails(DatabaseError, "terminating connection|network error|reset")
    assert closed(world) == set()
    assert world.metrics == {"ThreadsListed": 1}


def test_a_database_that_does_not_answer_in_time_closes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_STATEMENT_TIMEOUT_SECONDS", 0.3)
    world.corals.tasks[0].open("pool-0", "unknown")
    world.grace_seconds = 0.3

    def lock() -> None:
        world.connection.run("BEGIN")
        world.connection.run('LOCK TABLE "Session" IN ACCESS EXCLUSIVE MODE')

    world.in_grace_period(lock)
    world.fails(DatabaseError, "SQLSTATE (57014|55P03)")
    world.connection.run("ROLLBACK")
    assert closed(world) == set()


def test_a_database_that_drops_while_closing_ends_the_run_and_its_work_is_published(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "_ASKED_AT_ONCE", 2)
    monkeypatch.setattr(closing, "CALLS_PER_TASK", 1)
    world.corals.tasks[0].open("pool-0", *ids("unknown", 6))
    lock = threading.Lock()

    def drop(method: str, _target: str) -> None:
        with lock:
            if method == "DELETE":
                cut(world)

    world.corals.tasks[0].on_request = drop
    world.fails(DatabaseError, "terminating connection|network error|reset")
    assert len(closed(world)) == 2
    assert world.metrics["ThreadsClosed"] == 2


def test_it_cannot_write_to_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        thread_records,
        "KNOWN",
        """DELETE FROM "Session" WHERE "id" = :ids AND "endTime" < :ended_before AND "endTime" < :quiet_since""",
    )
    world.fails(DatabaseError, "read-only transaction")
