"""The embedded PostgreSQL behaves as RDS where the operations depend on it, and leaves nothing behind."""

import os
import shutil
import signal
import ssl
from pathlib import Path

import pg8000.native
import psutil
import pytest

from rehearsal.postgresql import binaries as embedded
from rehearsal.postgresql import certificates
from rehearsal.postgresql.server import Postgres
from tests.integration.conftest import Database


def _postmaster(server: Postgres) -> psutil.Process:
    return psutil.Process(server.process.popen.pid).children()[0]


def test_the_superuser_is_let_in_over_verified_tls(postgres: Postgres) -> None:
    connection = postgres.connect()
    assert connection.run("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [[True]]
    assert connection.run("SELECT current_setting('server_version_num')::int / 10000") == [[18]]
    connection.close()


def test_a_plain_connection_is_refused(postgres: Postgres) -> None:
    with pytest.raises(pg8000.native.DatabaseError, match="no encryption"):
        pg8000.native.Connection(
            "postgres", host=postgres.host, port=postgres.port, password=postgres.admin_password, ssl_context=False
        )


def test_a_server_of_another_authority_is_refused(postgres: Postgres, tmp_path: Path) -> None:
    other = certificates.issue(tmp_path, "localhost", "127.0.0.1")
    with pytest.raises((ssl.SSLCertVerificationError, pg8000.native.InterfaceError), match="verify failed"):
        pg8000.native.Connection(
            "postgres",
            host=postgres.host,
            port=postgres.port,
            password=postgres.admin_password,
            ssl_context=ssl.create_default_context(cafile=other.ca_file),
        )


def test_a_wrong_password_is_refused(postgres: Postgres) -> None:
    with pytest.raises(pg8000.native.DatabaseError, match="password authentication failed"):
        postgres.connect(password="wrong")


def test_statement_statistics_can_be_read(postgres: Postgres) -> None:
    connection = postgres.connect()
    connection.run("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    connection.run("SELECT 4711")
    assert connection.run("SELECT count(*) > 0 FROM pg_stat_statements") == [[True]]
    connection.close()


def test_every_test_has_the_applications_tables_to_itself(database: Database) -> None:
    connection = database.connect()
    for table in ("User", "Session", "Thread"):
        assert connection.run(f'SELECT count(*) FROM "{table}"') == [[0]]
    connection.close()


def test_the_seed_has_open_stale_and_ended_sessions_in_every_pool(database: Database) -> None:
    database.seed()
    connection = database.connect()
    pools = connection.run(
        """SELECT "coralSessionId",
                  count(*) FILTER (WHERE "endTime" IS NULL AND "lastActivityAt" > utc - interval '60 minutes'),
                  count(*) FILTER (WHERE "endTime" IS NULL AND "lastActivityAt" < utc - interval '60 minutes'),
                  count(*) FILTER (WHERE "endTime" IS NOT NULL) > 0
           FROM "Session", (SELECT now() AT TIME ZONE 'UTC' AS utc) AS clock GROUP BY 1 ORDER BY 1"""
    )
    connection.close()
    assert pools == [[f"pool-{n}", 2 + 4 * n, 2, True] for n in range(5)]


def test_it_stops_without_a_trace(tmp_path: Path) -> None:
    with Postgres(tmp_path) as server:
        tree = psutil.Process(server.process.popen.pid).children(recursive=True)
        home = server._home
    assert not any(process.is_running() for process in tree)
    assert home is not None
    assert not home.exists()


def test_killed_it_leaves_no_process_behind(tmp_path: Path) -> None:
    with Postgres(tmp_path) as server:
        tree = psutil.Process(server.process.popen.pid).children(recursive=True)
        _postmaster(server).send_signal(signal.SIGKILL)
        server.process.popen.wait(5)
        assert server.process.end_description() == "was killed by SIGKILL"
    psutil.wait_procs(tree, timeout=5)
    assert not any(process.is_running() for process in tree)


def test_killing_its_tether_ends_it_too(tmp_path: Path) -> None:
    with Postgres(tmp_path) as server:
        tree = psutil.Process(server.process.popen.pid).children(recursive=True)
        os.kill(server.process.popen.pid, signal.SIGKILL)
        server.process.popen.wait(5)
    psutil.wait_procs(tree, timeout=5)
    assert not any(process.is_running() for process in tree)


def test_binaries_that_the_unprivileged_user_cannot_reach_are_copied(tmp_path: Path) -> None:
    hidden = tmp_path / "home-of-somebody"
    hidden.mkdir(mode=0o700)
    native = hidden / "native"
    shutil.copytree(embedded.binaries(), native, symlinks=True)
    with Postgres(tmp_path / "run", native=native) as server:
        program = Path(_postmaster(server).exe())
        connection = server.connect()
        assert connection.run("SELECT 1") == [[1]]
        connection.close()
    assert program.is_relative_to(native) == (os.geteuid() != 0)


def test_binaries_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(embedded.PostgresUnavailableError, match="make setup"):
        embedded.binaries(tmp_path)
