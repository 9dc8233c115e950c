"""Ending stale sessions while others lock, change or move them."""

import random
import threading
from contextlib import closing

import pg8000.native

from ops_lambdas.session_cleanup import core
from ops_lambdas.session_cleanup.access import end_stale
from ops_lambdas.shared.database import Credentials
from tests.integration.checks.session_cleanup.world import add, end, ended_rightly, ops_writing, states, threads_of
from tests.integration.conftest import Database


def test_a_locked_session_is_left_for_a_later_run(
    ops_login: Credentials, connection: pg8000.native.Connection, database: Database
) -> None:
    ids = add(connection, 20, idle="2 hours")
    before = states(connection)
    with closing(database.connect()) as other:
        other.run("BEGIN")
        other.run('UPDATE "Session" SET "messageCount" = "messageCount" + 1 WHERE "id" = :id', id=ids[0])
        # A thread that is being added holds its session.
        other.run("""INSERT INTO "Thread" VALUES ('t', :id, 'c', 'a')""", id=ids[1])
        result = end(ops_login)
        assert (result.stale, result.ended, result.spared) == (20, 18, 2)
        assert ended_rightly(before, states(connection)) == set(ids[2:])
        other.run("ROLLBACK")
    assert end(ops_login).ended == 2
    assert ended_rightly(before, states(connection)) == set(ids)


def test_a_session_that_becomes_active_before_its_batch_is_spared(
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
        *_, result = steps
    after = states(connection)
    assert (result.stale, result.ended, result.spared) == (20, 18, 2)
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
        connection.run('VACUUM FULL "Session"')  # as a migration does that rewrites the table
        before = states(connection)
        *_, result = steps
    after = states(connection)
    assert not ended_rightly(before, after) & active
    assert result.ended + end(ops_login).ended == 30
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
    result = end(ops_login, batch=20)
    is_over.set()
    application.join()
    after = states(connection)
    ended = ended_rightly(before, after, touched=touched)
    assert touched, "the application had its turns"
    assert ended == set(ids) - touched
    assert result.ended == len(ended)


def test_two_at_once_end_each_session_once(ops_login: Credentials, connection: pg8000.native.Connection) -> None:
    add(connection, 3000, idle="2 hours", threads=1)
    results: list[core.Sessions] = []
    runs = [threading.Thread(target=lambda: results.append(end(ops_login, batch=50))) for _ in range(2)]
    before = states(connection)
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(ended_rightly(before, states(connection))) == 3000
    assert sum(one.ended for one in results) == 3000
    threads = [thread for one in results for thread in one.threads]
    assert sorted(threads) == sorted(threads_of(connection)), "each thread is in the result of one run"
