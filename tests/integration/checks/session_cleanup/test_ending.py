"""Ending stale sessions as the checks' role: exactly these, in UTC, and many."""

import pg8000.native
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lambdas.session_cleanup import core
from ops_lambdas.session_cleanup.access import count_stale, end_stale
from ops_lambdas.shared.database import Credentials, TablesMissingError, reading
from tests.integration.checks.session_cleanup.world import (
    add,
    clock,
    end,
    ended_rightly,
    ops_writing,
    states,
    threads_of,
)
from tests.integration.conftest import Database

AGES = ("0", "59 minutes 55 seconds", "60 minutes 5 seconds", "3 hours", "100 days")


@settings(max_examples=12)
@given(
    groups=st.lists(
        st.tuples(
            st.integers(1, 12),
            st.sampled_from(AGES),
            st.integers(0, 3),
            st.booleans(),
            st.sampled_from([None, *AGES]),
        ),
        max_size=6,
    ),
    batch=st.integers(1, 9),
)
def test_exactly_the_open_and_stale_are_ended(
    ops_login: Credentials,
    connection: pg8000.native.Connection,
    groups: list[tuple[int, str, int, bool, str | None]],
    batch: int,
) -> None:
    connection.run('TRUNCATE "Session" CASCADE')
    for count, idle, threads, has_ended, said in groups:
        add(connection, count, idle=idle, threads=threads, has_ended=has_ended, said=said)
    before, start = states(connection), clock(connection)
    result = end(ops_login, batch=batch)
    after = states(connection)
    ended = ended_rightly(before, after)
    assert ended == {one for one, state in before.items() if state.is_stale}
    assert (result.stale, result.ended, result.spared, result.left) == (
        len(ended),
        len(ended),
        0,
        0,
    )
    ((by_column,),) = connection.run(
        """SELECT count(*) FROM "Session" WHERE "endTime" IS NULL
           AND "lastActivityAt" < (now() AT TIME ZONE 'UTC') - interval '1 hour'"""
    )
    assert result.kept_active == by_column, "what the column alone would have ended"
    for one in ended:
        end_time = after[one].end
        assert end_time is not None
        assert start <= end_time <= clock(connection)
    threads_by_id = dict(connection.run('SELECT "coralThreadId", "sessionId" FROM "Thread"'))
    assert {threads_by_id[thread.id] for thread in result.threads} <= ended
    assert set(result.threads) == {pair for pair in threads_of(connection) if threads_by_id[pair[1]] in ended}, (
        "threads of exactly the ended"
    )
    again = end(ops_login, batch=batch)
    assert (again.stale, again.ended) == (0, 0)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_the_hour_and_the_end_are_utc_in_every_time_zone_of_the_database(
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


def test_without_tables_it_is_a_named_error(ops_login: Credentials, connection: pg8000.native.Connection) -> None:
    connection.run('ALTER TABLE "Session" RENAME TO "Elsewhere"')
    with pytest.raises(TablesMissingError), ops_writing(ops_login) as writer:
        list(end_stale(writer, older_than_minutes=60))
    connection.run('ALTER TABLE "Elsewhere" RENAME TO "Session"')


def test_counting_ends_nothing(ops_login: Credentials, connection: pg8000.native.Connection) -> None:
    add(connection, 4, idle="2 hours", threads=2, pools=2)
    add(connection, 3, idle="30 minutes", threads=2, pools=1)
    add(connection, 1, idle="3 hours", threads=2, pools=1, said="5 minutes")
    before = states(connection)
    with reading(ops_login, application_name="t") as reader:
        assert count_stale(reader, older_than_minutes=60) == [
            core.PoolStale("pool-0", sessions=2, threads=4, kept_active=1),
            core.PoolStale("pool-1", sessions=2, threads=4),
        ]
        assert sum(pool.sessions for pool in count_stale(reader, older_than_minutes=10)) == 7
    assert states(connection) == before


def test_many_stale_sessions_end_in_one_run(ops_login: Credentials, connection: pg8000.native.Connection) -> None:
    add(connection, 100_000, idle="2 hours")
    result = end(ops_login, batch=core.BATCH_SESSIONS)
    assert (result.stale, result.ended, result.spared, result.left) == (
        100_000,
        100_000,
        0,
        0,
    )
    assert connection.run('SELECT count(*) FROM "Session" WHERE "endTime" IS NULL') == [[0]]
