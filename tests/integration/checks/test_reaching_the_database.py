"""How the checks reach their database: which servers they trust, how long they wait, and their errors."""

import json
import socket
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pg8000.native
import pytest

from ops_lambdas.pool_health import queries
from ops_lambdas.shared import database as shared_database
from ops_lambdas.shared import database_connection
from ops_lambdas.shared.database import Credentials, DatabaseError, SecretError, read_credentials
from rehearsal.postgresql import certificates
from tests.integration.checks.conftest import ARN, Check, Secrets
from tests.integration.conftest import Database


@pytest.fixture(scope="module")
def database(module_database: Database) -> Database:
    """One for all tests here, as none of them changes it."""
    return module_database


def test_a_server_of_another_certificate_authority_is_not_trusted(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = certificates.issue(tmp_path / "other", "localhost").ca_file
    monkeypatch.setenv("PGSSLROOTCERT", str(other))
    check.refuses(DatabaseError, f"certificate is not trusted by {other}: ")
    monkeypatch.delenv("PGSSLROOTCERT")
    check.refuses(DatabaseError, r"certificate is not trusted by rds-ca-bundle\.pem: ")
    monkeypatch.setenv("PGSSLROOTCERT", str(tmp_path / "absent.pem"))
    check.refuses(DatabaseError, r"CA file .*absent\.pem cannot be read: ")


def test_a_server_with_another_name_is_not_trusted(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_HOST", "127.1")  # the same address, not in the certificate
    check.refuses(DatabaseError, r"127\.1:\d+: its certificate .* Hostname mismatch")


def test_the_error_for_a_wrong_password_does_not_contain_it(check: Check) -> None:
    check.password = "wrong-and-secret"
    check.refuses(DatabaseError, r"password authentication failed .* SQLSTATE 28P01 \(the secret and the database")


def test_a_database_that_is_down_or_absent_is_an_error(
    check: Check, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("DATABASE_PORT", str(port))
    check.refuses(DatabaseError, rf"at 127\.0\.0\.1:{port}: .*refused")
    monkeypatch.setenv("DATABASE_PORT", str(database.server.port))
    monkeypatch.setenv("DATABASE_NAME", "absent")
    check.refuses(DatabaseError, "database absent at .* does not exist, SQLSTATE 3D000")


def closes_at_once(listener: socket.socket) -> None:
    listener.accept()[0].close()


def never_answers(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(5)
        while connection.recv(1024):
            pass


def refuses_tls(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(8)
        connection.sendall(b"N")


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [(closes_at_once, "."), (never_answers, "timed out"), (refuses_tls, "Server refuses SSL")],
)
def test_a_server_that_is_not_postgresql_is_an_error_in_bounded_time(
    credentials: Credentials,
    monkeypatch: pytest.MonkeyPatch,
    behaviour: Callable[[socket.socket], None],
    message: str,
) -> None:
    monkeypatch.setattr(database_connection, "_READ_MARGIN_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=behaviour, args=[listener])
        thread.start()
        elsewhere = replace(credentials, port=listener.getsockname()[1])
        before = time.monotonic()
        with (
            pytest.raises(DatabaseError, match=message),
            shared_database.reading(elsewhere, application_name="t", statement_timeout_seconds=0.2),
        ):
            pass
        assert time.monotonic() - before < 3
        thread.join()


def test_a_statement_that_waits_too_long_is_cancelled(
    credentials: Credentials, connection: pg8000.native.Connection
) -> None:
    connection.run("BEGIN")
    connection.run('LOCK TABLE "Session" IN ACCESS EXCLUSIVE MODE')
    with (
        pytest.raises(DatabaseError, match=r"SQLSTATE 57014 \(the statement took longer than its timeout\)"),
        shared_database.reading(credentials, application_name="t", statement_timeout_seconds=0.2) as reader,
    ):
        reader.rows(queries.POOLS, active_minutes=60, stuck_minutes=120, inactive_limit=1)
    connection.run("ROLLBACK")


@pytest.mark.parametrize(
    "statements",
    [
        ['DELETE FROM "Session"'],
        ['CREATE TABLE "Mine" ()'],
        ["COMMIT", 'DELETE FROM "Session"'],
    ],
)
def test_reading_cannot_write(credentials: Credentials, statements: list[str]) -> None:
    def write() -> None:
        with shared_database.reading(credentials, application_name="t") as reader:
            for statement in statements:
                reader.rows(statement)

    with pytest.raises(DatabaseError, match="read-only transaction, SQLSTATE 25006"):
        write()


def test_a_connection_that_is_cut_is_an_error(credentials: Credentials, connection: pg8000.native.Connection) -> None:
    def be_cut() -> None:
        with shared_database.reading(credentials, application_name="cut") as reader:
            connection.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut'")
            reader.rows("SELECT 1")

    with pytest.raises(DatabaseError, match=r"terminating connection|network error|reset"):
        be_cut()


def test_a_connection_has_the_checks_name_and_is_closed_afterwards(
    check: Check, credentials: Credentials, connection: pg8000.native.Connection
) -> None:
    def connected() -> int:
        sql = "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database()"
        return int(connection.run(f"{sql} AND application_name = 'pool_health'")[0][0])

    with shared_database.reading(credentials, application_name="pool_health") as reader:
        assert connected() == 1
        ((version, timeout),) = reader.rows(
            "SELECT version, current_setting('statement_timeout') FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        )
        assert (version, timeout) == ("TLSv1.3", "10s")
    check.run()
    deadline = time.monotonic() + 5
    while connected() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert connected() == 0


@pytest.mark.usefixtures("check")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hunter2-no-json", "must be a JSON object"),
        ('["hunter2"]', "must be a JSON object"),
        ("{}", "no valid host, dbname, username, password, port"),
        ('{"host": "h", "port": 0, "dbname": "d", "username": "u", "password": "hunter2"}', "no valid port"),
        ('{"host": "h", "port": "x", "dbname": "d", "username": "u", "password": "hunter2"}', "no valid port"),
        ('{"host": "h", "port": 5432, "dbname": "d", "username": 7, "password": ""}', "no valid username, password"),
    ],
)
def test_a_secret_without_what_connecting_needs_is_named_but_not_shown(
    secrets: Secrets, text: str, message: str
) -> None:
    secrets.hold(text)
    with pytest.raises(SecretError, match=f"secret {ARN} .*{message}") as caught:
        read_credentials(ARN)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value)), "AWS logs the traceback"


@pytest.mark.usefixtures("check")
@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "DecryptionFailure"])
def test_a_secret_that_cannot_be_read_is_an_error(secrets: Secrets, code: str) -> None:
    secrets.status = 400
    secrets.answer = {"__type": code, "Message": "no"}
    with pytest.raises(SecretError, match=f"secret {ARN} cannot be read: .*{code}"):
        read_credentials(ARN)


@pytest.mark.usefixtures("check")
def test_a_secret_may_have_the_port_as_text(secrets: Secrets, database: Database) -> None:
    secrets.hold(json.dumps({**database.secret, "port": str(database.server.port)}))
    assert read_credentials(ARN).port == database.server.port
