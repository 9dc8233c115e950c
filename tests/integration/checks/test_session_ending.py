"""Ending stale sessions as the checks' role, with everything else that goes on in the database at the same time."""

import random
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pg8000.native
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops_lambdas.session_cleanup import core, queries
from ops_lambdas.session_cleanup.access import count_stale, end_stale
from ops_lambdas.shared.database import Credentials, DatabaseError, TablesMissingError, Writer, reading, writing
from rehearsal.postgres import Postgres
from tests.integration.checks.session_world import State, add, clock, states, threads_of
from tests.integration.conftest import Database


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[Database]:
    """One database for all tests here, emptied before each: in place of a new one for each."""
    with closing(postgres.connect()) as admin:
        admin.run("CREATE DATABASE sessions_ending TEMPLATE application_template OWNER pardon_admin")
        yield Database(postgres, "sessions_ending")
        admin.run("DROP DATABASE sessions_ending WITH (FORCE)")


@pytest.fixture(autouse=True)
def _emptied(connection: pg8000.native.Connection) -> None:
    connection.run('TRUNCATE "Session" CASCADE')


@contextmanager
def ops_writing(login: Credentials, **options: Any) -> Iterator[Writer]:
    with writing(login, application_name="session_cleanup", **options) as writer:
        yield writer


def end(login: Credentials, *, minutes: int = 60, batch: int = 7) -> core.Sessions:
    with ops_writing(login) as writer:
        *_, last = end_stale(writer, older_than_minutes=minutes, batch_sessions=batch)
    return last


def ended_rightly(before: dict[str, State], after: dict[str, State], *, touched: Collection[str] = ()) -> set[str]:
    """Check what must hold of each session whatever happened, and return those that were ended."""
    assert before.keys() == after.keys(), "a row was added or removed"
    ended = {one for one in before if before[one].end != after[one].end}
    assert all(before[one].end is None for one in ended), "an end was moved"
    assert all(before[one].is_stale for one in ended), "an active session was ended"
    assert all(before[one].others == after[one].others for one in before.keys() - set(touched)), (
        "another column changed"
    )
    return ended


AGES = ("0", "59 minutes 55 seconds", "60 minutes 5 seconds", "3 hours", "100 days")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    groups=st.lists(
        st.tuples(st.integers(1, 12), st.sampled_from(AGES), st.integers(0, 3), st.booleans()), min_size=0, max_size=6
    ),
    batch=st.integers(1, 9),
)
def test_exactly_the_open_and_stale_are_ended(
    ops_login: Credentials, connection: pg8000.native.Connection, groups: list[tuple[int, str, int, bool]], batch: int
) -> None:
    connection.run('TRUNCATE "Session" CASCADE')
    for count, idle, threads, has_ended in groups:
        add(connection, count, idle=idle, threads=threads, has_ended=has_ended)
    before, start = states(connection), clock(connection)
    told = end(ops_login, batch=batch)
    after = states(connection)
    ended = ended_rightly(before, after)
    assert ended == {one for one, state in before.items() if state.is_stale}
    assert (told.stale, told.ended, told.spared, told.left) == (len(ended), len(ended), 0, 0)
    for one in ended:
        end_time = after[one].end
        assert end_time is not None
        assert start <= end_time <= clock(connection)
    threads_by_id = dict(connection.run('SELECT "coralThreadId", "sessionId" FROM "Thread"'))
    assert {threads_by_id[thread.id] for thread in told.threads} <= ended
    assert set(told.threads) == {pair for pair in threads_of(connection) if threads_by_id[pair[1]] in ended}, (
        "threads of exactly the ended"
    )
    again = end(ops_login, batch=batch)
    assert (again.stale, again.ended) == (0, 0)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_the_hour_and_the_end_are_utc_whatever_zone_the_database_has(
    ops_login: Credentials, connection: pg8000.native.Connection, database: Database, zone: str
) -> None:
    add(connection, 1, idle="59 minutes")
    (stale,) = add(connection, 1, idle="61 minutes")
    connection.run(f"ALTER DATABASE {database.name} SET timezone TO '{zone}'")
    start = clock(connection)
    assert end(ops_login).ended == 1
    end_time = states(connection)[stale].end
    assert end_time is not None
    assert start <= end_time <= clock(connection)
    connection.run(f"ALTER DATABASE {database.name} RESET timezone")


def test_what_somebody_holds_is_left_for_a_later_run(
    ops_login: Credentials, connection: pg8000.native.Connection, database: Database
) -> None:
    ids = add(connection, 20, idle="2 hours")
    before = states(connection)
    with closing(database.connect()) as other:
        other.run("BEGIN")
        other.run('UPDATE "Session" SET "messageCount" = "messageCount" + 1 WHERE "id" = :id', id=ids[0])
        # A thread that is being added holds its session.
        other.run("""INSERT INTO "Thread" VALUES ('t', :id, 'c', 'a')""", id=ids[1])
        told = end(ops_login)
        assert (told.stale, told.ended, told.spared) == (20, 18, 2)
        assert ended_rightly(before, states(connection)) == set(ids[2:])
        other.run("ROLLBACK")
    assert end(ops_login).ended == 2
    assert ended_rightly(before, states(connection)) == set(ids)


def test_a_session_that_becomes_active_before_its_turn_is_spared(
    ops_login: Credentials, connection: pg8000.native.Connection
) -> None:
    ids = add(connection, 20, idle="2 hours")
    with ops_writing(ops_login) as writer:
        steps = end_stale(writer, older_than_minutes=60, batch_sessions=5)
        next(steps)
        connection.run(
            """UPDATE "Session" SET "lastActivityAt" = now() AT TIME ZONE 'UTC' WHERE "id" = :id""", id=ids[3]
        )
        connection.run("""UPDATE "Session" SET "endTime" = '2020-01-01' WHERE "id" = :id""", id=ids[4])
        *_, told = steps
    after = states(connection)
    assert (told.stale, told.ended, told.spared) == (20, 18, 2)
    assert after[ids[3]].end is None
    assert str(after[ids[4]].end) == "2020-01-01 00:00:00"


def test_rows_that_moved_are_not_mistaken_for_others(
    ops_login: Credentials, connection: pg8000.native.Connection
) -> None:
    add(connection, 30, idle="2 hours", has_ended=True)
    add(connection, 30, idle="2 hours")
    active = set(add(connection, 30, idle="0"))
    connection.run(
        'DELETE FROM "Session" WHERE "id" IN (SELECT "id" FROM "Session" WHERE "endTime" IS NOT NULL LIMIT 15)'
    )
    with ops_writing(ops_login) as writer:
        steps = end_stale(writer, older_than_minutes=60, batch_sessions=7)
        next(steps)
        connection.run('VACUUM FULL "Session"')  # as a migration does that writes the table anew
        before = states(connection)
        *_, told = steps
    after = states(connection)
    assert not ended_rightly(before, after) & active
    assert told.ended + end(ops_login).ended == 30
    assert all(after_state.end for one, after_state in states(connection).items() if before[one].is_stale)


def test_nobody_who_becomes_active_is_ended_while_the_application_works(
    ops_login: Credentials, connection: pg8000.native.Connection, database: Database
) -> None:
    ids = add(connection, 3000, idle="2 hours")
    touched: set[str] = set()
    is_over = threading.Event()

    def work() -> None:
        with closing(database.connect()) as application:
            order = random.Random(7).sample(ids, len(ids))
            for one in order:
                if is_over.is_set():
                    return
                sql = """UPDATE "Session" SET "lastActivityAt" = now() AT TIME ZONE 'UTC'
                         WHERE "id" = :id AND "endTime" IS NULL RETURNING "id" """
                touched.update(row[0] for row in application.run(sql, id=one))

    before = states(connection)
    application = threading.Thread(target=work)
    application.start()
    told = end(ops_login, batch=20)
    is_over.set()
    application.join()
    after = states(connection)
    ended = ended_rightly(before, after, touched=touched)
    assert touched, "the application had its turns"
    assert ended == set(ids) - touched
    assert told.ended == len(ended)


def test_two_at_once_end_each_session_once(ops_login: Credentials, connection: pg8000.native.Connection) -> None:
    add(connection, 3000, idle="2 hours", threads=1)
    told: list[core.Sessions] = []
    runs = [threading.Thread(target=lambda: told.append(end(ops_login, batch=50))) for _ in range(2)]
    before = states(connection)
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(ended_rightly(before, states(connection))) == 3000
    assert sum(one.ended for one in told) == 3000
    threads = [thread for one in told for thread in one.threads]
    assert sorted(threads) == sorted(threads_of(connection)), "each thread is told to one run"


def cut(connection: pg8000.native.Connection) -> None:
    connection.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'session_cleanup'")


def lock(connection: pg8000.native.Connection) -> None:
    connection.run("BEGIN")
    connection.run('LOCK TABLE "Session" IN ACCESS EXCLUSIVE MODE')


@pytest.mark.parametrize(
    ("disturb", "message"),
    [
        (cut, r"terminating connection|network error|reset|closed"),
        (lock, r"SQLSTATE 55P03 \(a lock was not free in time, is a migration under way\?\)"),
    ],
)
def test_a_database_that_fails_in_the_middle_loses_nothing(
    ops_login: Credentials,
    connection: pg8000.native.Connection,
    disturb: Callable[[pg8000.native.Connection], None],
    message: str,
) -> None:
    add(connection, 30, idle="2 hours", threads=1)
    before = states(connection)
    last = core.Sessions()

    def run() -> None:
        nonlocal last
        with ops_writing(ops_login, lock_timeout_seconds=0.1) as writer:
            for last in end_stale(writer, older_than_minutes=60, batch_sessions=10):
                if last.ended == 20:
                    disturb(connection)

    with pytest.raises(DatabaseError, match=message):
        run()
    with suppress(pg8000.native.DatabaseError):
        connection.run("ROLLBACK")
    ended = ended_rightly(before, states(connection))
    assert len(ended) == last.ended == len(last.threads) == 20, "what was told is what was committed"
    assert end(ops_login).ended == 10


def test_a_connection_lost_within_a_batch_ends_none_of_it(
    ops_login: Credentials, connection: pg8000.native.Connection
) -> None:
    add(connection, 10, idle="2 hours")
    before = states(connection)

    def run() -> None:
        with ops_writing(ops_login) as writer, writer.transaction():
            ((since,),) = writer.rows(queries.IDLE_SINCE, minutes=60)
            ((_, places),) = writer.rows(queries.STALE_BATCHES, idle_since=since, batch_sessions=10)
            assert writer.rows(queries.END, places=places, idle_since=since)
            cut(connection)

    with pytest.raises(DatabaseError):
        run()
    assert ended_rightly(before, states(connection)) == set()


def test_a_database_that_takes_no_writes_is_an_error_and_ends_nothing(
    ops_login: Credentials, connection: pg8000.native.Connection, database: Database
) -> None:
    add(connection, 10, idle="2 hours")
    before = states(connection)
    with closing(database.server.connect()) as admin:
        admin.run(f"ALTER ROLE {ops_login.username} SET default_transaction_read_only = on")
        with pytest.raises(DatabaseError, match=r"SQLSTATE 25006 \(the database takes no writes"):
            end(ops_login)
        admin.run(f"ALTER ROLE {ops_login.username} RESET default_transaction_read_only")
    assert states(connection) == before


def test_a_statement_that_takes_too_long_is_given_up_and_nothing_stays_locked(
    ops_login: Credentials, connection: pg8000.native.Connection
) -> None:
    add(connection, 5, idle="2 hours")

    def run() -> None:
        with ops_writing(ops_login, statement_timeout_seconds=0.2) as writer, writer.transaction():
            writer.rows('SELECT "id" FROM "Session" FOR UPDATE')
            writer.rows("SELECT pg_sleep(5)")

    with pytest.raises(DatabaseError, match="57014"):
        run()
    assert end(ops_login).ended == 5


def test_a_function_that_stands_still_in_a_transaction_is_rolled_back_by_the_server(
    ops_login: Credentials, connection: pg8000.native.Connection
) -> None:
    add(connection, 5, idle="2 hours")

    def run() -> None:
        with ops_writing(ops_login, statement_timeout_seconds=0.2) as writer, writer.transaction():
            writer.rows('SELECT "id" FROM "Session" FOR UPDATE')
            time.sleep(0.5)
            assert end(ops_login).ended == 5, "nobody waits for who stands still"
            writer.rows("SELECT 1")

    with pytest.raises(DatabaseError, match=r"idle-in-transaction|terminating|network error|closed"):
        run()


def test_without_tables_it_is_a_named_error(ops_login: Credentials, connection: pg8000.native.Connection) -> None:
    connection.run('ALTER TABLE "Session" RENAME TO "Elsewhere"')
    with pytest.raises(TablesMissingError), ops_writing(ops_login) as writer:
        list(end_stale(writer, older_than_minutes=60))
    connection.run('ALTER TABLE "Elsewhere" RENAME TO "Session"')


def test_counting_ends_nothing(ops_login: Credentials, connection: pg8000.native.Connection) -> None:
    add(connection, 4, idle="2 hours", threads=2, pools=2)
    add(connection, 3, idle="30 minutes", threads=2, pools=1)
    before = states(connection)
    with reading(ops_login, application_name="t") as reader:
        assert count_stale(reader, older_than_minutes=60) == [
            core.PoolStale("pool-0", sessions=2, threads=4),
            core.PoolStale("pool-1", sessions=2, threads=4),
        ]
        assert sum(pool.sessions for pool in count_stale(reader, older_than_minutes=10)) == 7
    assert states(connection) == before


def test_many_stale_sessions_end_in_one_run(ops_login: Credentials, connection: pg8000.native.Connection) -> None:
    add(connection, 100_000, idle="2 hours")
    told = end(ops_login, batch=core.BATCH_SESSIONS)
    assert (told.stale, told.ended, told.spared, told.left) == (100_000, 100_000, 0, 0)
    assert connection.run('SELECT count(*) FROM "Session" WHERE "endTime" IS NULL') == [[0]]
