"""Ending stale sessions in a database that fails, refuses or is slow."""

import time
from collections.abc import Callable
from contextlib import closing, suppress

import pg8000.native
import pytest

from ops_lambdas.session_cleanup import core, queries
from ops_lambdas.session_cleanup.access import end_stale
from ops_lambdas.shared.database import Credentials, DatabaseError
from tests.integration.checks.session_cleanup.world import add, end, ended_rightly, ops_writing, states
from tests.integration.conftest import Database


def cut(connection: pg8000.native.Connection) -> None:
    connection.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'session_cleanup'")


def lock(connection: pg8000.native.Connection) -> None:
    connection.run("BEGIN")
    connection.run('LOCK TABLE "Session" IN ACCESS EXCLUSIVE MODE')


@pytest.mark.parametrize(
    ("disturb", "message"),
    [
        (cut, r"terminating connection|network error|reset|closed"),
        (lock, r"SQLSTATE 55P03 \(a lock was not free in time, is a migration in progress\?\)"),
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
    assert len(ended) == last.ended == len(last.threads) == 20, "what was yielded is what was committed"
    assert end(ops_login).ended == 10


def test_a_connection_lost_within_a_batch_ends_none_of_it(
    ops_login: Credentials, connection: pg8000.native.Connection
) -> None:
    add(connection, 10, idle="2 hours")
    before = states(connection)

    def run() -> None:
        with ops_writing(ops_login) as writer, writer.transaction():
            ((since,),) = writer.rows(queries.IDLE_SINCE, minutes=60)
            ((_, _, places),) = writer.rows(queries.STALE_BATCHES, idle_since=since, batch_sessions=10)
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
        with pytest.raises(DatabaseError, match=r"SQLSTATE 25006 \(the database accepts no writes"):
            end(ops_login)
        admin.run(f"ALTER ROLE {ops_login.username} RESET default_transaction_read_only")
    assert states(connection) == before


def test_a_statement_that_takes_too_long_is_cancelled_and_nothing_stays_locked(
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


def test_the_server_rolls_back_an_idle_transaction(
    ops_login: Credentials, connection: pg8000.native.Connection
) -> None:
    add(connection, 5, idle="2 hours")

    def run() -> None:
        with ops_writing(ops_login, statement_timeout_seconds=0.2) as writer, writer.transaction():
            writer.rows('SELECT "id" FROM "Session" FOR UPDATE')
            time.sleep(0.5)
            assert end(ops_login).ended == 5, "nobody waits for an idle transaction"
            writer.rows("SELECT 1")

    with pytest.raises(DatabaseError, match=r"idle-in-transaction|terminating|network error|closed"):
        run()
