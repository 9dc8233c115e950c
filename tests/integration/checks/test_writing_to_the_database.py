"""How the checks write: in whole transactions, one run of a check at a time, and errors that hint at the cause."""

from contextlib import closing, suppress
from dataclasses import replace

import pg8000.native
import pytest

from ops_lambdas.shared import database as shared_database
from ops_lambdas.shared.database import Credentials, DatabaseError, LockHeldError, reading, writing
from ops_lambdas.shared.lock import LOCK_SPACE, lock_key
from tests.integration.conftest import Database


@pytest.fixture(scope="module")
def database(module_database: Database) -> Database:
    """One for all tests here."""
    return module_database


def names(connection: pg8000.native.Connection) -> list[str]:
    return [row[0] for row in connection.run('SELECT "username" FROM "User" ORDER BY 1')]


def test_a_lock_is_free_when_its_run_ends_before_the_server_notices_the_disconnect(
    credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    unnoticed = list[pg8000.native.Connection]()
    with monkeypatch.context() as patch:
        patch.setattr(pg8000.native.Connection, "close", unnoticed.append)
        for opened in (reading, writing, reading):
            with opened(credentials, application_name="t") as one:
                assert one.try_lock("pool_health")
    for connection in unnoticed:
        connection.close()


def test_a_transaction_is_committed_whole_or_not_at_all(
    credentials: Credentials, connection: pg8000.native.Connection
) -> None:
    rename = 'UPDATE "User" SET "username" = :name'
    with writing(credentials, application_name="t") as writer:
        with writer.transaction():
            writer.rows(rename, name="committed")
            assert names(connection) == ["n"]
        assert names(connection) == ["committed"]
        with suppress(KeyError), writer.transaction():
            writer.rows(rename, name="lost")
            raise KeyError
        assert names(connection) == ["committed"]
        with writer.transaction():
            writer.rows(rename, name="n")
    assert names(connection) == ["n"]


def test_the_server_bounds_what_a_writer_may_take(credentials: Credentials) -> None:
    settings = {
        "statement_timeout": "3s",
        "lock_timeout": "500ms",
        "idle_in_transaction_session_timeout": "3s",
        "tcp_keepalives_idle": "60",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
        "application_name": "session_cleanup",
    }
    with writing(
        credentials, application_name="session_cleanup", statement_timeout_seconds=3, lock_timeout_seconds=0.5
    ) as writer:
        shown = {name: writer.rows(f"SHOW {name}")[0][0] for name in settings}
        ((version,),) = writer.rows("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    assert (shown, version) == (settings, "TLSv1.3")


def test_a_checks_lock_is_its_own_and_freed_with_the_connection(
    credentials: Credentials, connection: pg8000.native.Connection
) -> None:
    with writing(credentials, application_name="t") as first, reading(credentials, application_name="t") as second:
        assert first.try_lock("session_cleanup")
        assert not second.try_lock("session_cleanup")
        assert second.try_lock("thread_cleanup")
        assert not first.try_lock("thread_cleanup")
        # Other users of advisory locks do not meet ours, nor we theirs.
        assert connection.run("SELECT pg_try_advisory_lock(:key)", key=lock_key("session_cleanup")) == [[True]]
        with first.transaction():
            first.rows("SELECT 1")
        assert not second.try_lock("session_cleanup"), "it outlives a transaction"
    with writing(credentials, application_name="t") as third:
        # The server detects the end of a connection a moment later.
        third.rows("SET lock_timeout = '5s'")
        lock = "SELECT pg_advisory_lock(:space, :check)"
        third.rows(lock, space=LOCK_SPACE, check=lock_key("session_cleanup"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "token", "username": "nobody_made_it"}, r"28P01 \(the role is missing, or not a member of rds_iam"),
        ({"kind": "token", "password": "x"}, r"28P01 \(the role is missing, or not a member of rds_iam"),
        ({"kind": "password", "password": "x"}, r"28P01 \(the secret and the database disagree"),
    ],
)
def test_the_error_for_a_refused_login_hints_at_the_cause(
    credentials: Credentials, change: dict[str, str], message: str
) -> None:
    with pytest.raises(DatabaseError, match=message), writing(replace(credentials, **change), application_name="t"):  # type: ignore[arg-type]
        pass


def test_the_error_for_a_role_without_login_hints_at_its_permission(
    credentials: Credentials, database: Database
) -> None:
    with closing(database.server.connect()) as admin:
        admin.run("CREATE ROLE cannot_log_in NOLOGIN PASSWORD 'x'")
        login = replace(credentials, username="cannot_log_in", password="x", kind="token")
        with pytest.raises(DatabaseError, match=r"28000 \(is the function"), reading(login, application_name="t"):
            pass
        admin.run("DROP ROLE cannot_log_in")


@pytest.mark.parametrize("check", ["pool_health", "session_cleanup", "thread_cleanup"])
def test_a_lock_that_somebody_forgot_is_a_failure_that_names_who_holds_it(
    ops_login: Credentials, database: Database, monkeypatch: pytest.MonkeyPatch, check: str
) -> None:
    with closing(database.connect()) as other:
        other.run("SET application_name = 'psql'")
        other.run("SELECT pg_advisory_lock(:space, :check)", space=LOCK_SPACE, check=lock_key(check))
        ((pid,),) = other.run("SELECT pg_backend_pid()")
        with reading(ops_login, application_name=check) as reader:
            assert reader.try_lock(check) is False, "for as long as a run may take, it is another run"
        monkeypatch.setattr(shared_database, "_MAX_RUN_MINUTES", 0)
        with (
            pytest.raises(
                LockHeldError,
                match=rf"the lock of {check} is held by {database.user} with psql from 127\.0\.0\.1, connected for 0 "
                rf"minutes\. If that is forgotten: SELECT pg_terminate_backend\({pid}\)",
            ),
            reading(ops_login, application_name=check) as reader,
        ):
            reader.try_lock(check)
    with reading(ops_login, application_name=check) as reader:
        assert reader.try_lock(check)


def test_another_programs_lock_is_not_taken_for_ours(
    ops_login: Credentials, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_database, "_MAX_RUN_MINUTES", 0)
    with closing(database.connect()) as other, reading(ops_login, application_name="t") as reader:
        other.run("SELECT pg_advisory_lock(:space, :check)", space=LOCK_SPACE, check=lock_key("thread_cleanup"))
        assert reader.try_lock("pool_health")
