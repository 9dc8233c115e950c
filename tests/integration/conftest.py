"""A real PostgreSQL for the integration tests: one server a session, a fresh database a test."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pg8000.native
import pytest

from rehearsal import ROOT
from rehearsal.machine.ports import free_port
from rehearsal.postgresql.server import Postgres
from rehearsal.stand_in import SEED_SQL, TABLES_SQL
from tests.integration.emulator_process import Emulator, start

_MASTER = "pardon_admin"
_MASTER_PASSWORD = "integration-tests"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """A database with the application's tables (empty), owned by a master role as RDS makes it."""

    server: Postgres
    name: str
    user: str = _MASTER
    password: str = _MASTER_PASSWORD

    @property
    def secret(self) -> dict[str, Any]:
        """What the database's secret in Secrets Manager holds, for this database."""
        host, port = self.server.host, self.server.port
        return {
            "engine": "postgres",
            "host": host,
            "port": port,
            "dbname": self.name,
            "username": self.user,
            "password": self.password,
            "url": f"postgresql://{self.user}:{self.password}@{host}:{port}/{self.name}?sslmode=require",
        }

    def connect(self) -> pg8000.native.Connection:
        """Connect as the master role, over verified TLS."""
        return self.server.connect(self.name, user=self.user, password=self.password)

    def seed(self) -> None:
        """Fill it with the rehearsal's rows."""
        connection = self.connect()
        connection.run(SEED_SQL.read_text())
        connection.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A started server, TLS only, with the database `application_template` in it."""
    with Postgres(tmp_path_factory.mktemp("postgres")) as server:
        admin = server.connect()
        admin.run(f"CREATE ROLE {_MASTER} LOGIN CREATEDB CREATEROLE PASSWORD '{_MASTER_PASSWORD}'")
        admin.run(f"GRANT pg_monitor TO {_MASTER} WITH ADMIN OPTION")
        admin.run(f"GRANT rds_superuser TO {_MASTER}")
        admin.run(f"CREATE DATABASE application_template OWNER {_MASTER}")
        admin.close()
        owner = server.connect("application_template", user=_MASTER, password=_MASTER_PASSWORD)
        owner.run(TABLES_SQL.read_text())
        owner.close()
        yield server


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    """A database of the test's own, with the application's tables, without rows."""
    name = f"test_{next(_numbers)}"
    admin = postgres.connect()
    admin.run(f"CREATE DATABASE {name} TEMPLATE application_template OWNER {_MASTER}")
    yield Database(postgres, name)
    admin.run(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[Database]:
    """A database without any table, as before the application's first migration."""
    name = f"test_{next(_numbers)}"
    admin = postgres.connect()
    admin.run(f"CREATE DATABASE {name} OWNER {_MASTER}")
    yield Database(postgres, name)
    admin.run(f"DROP DATABASE {name} WITH (FORCE)")
    admin.close()


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def site_port() -> int:
    """Port of 127.0.0.1 at which the emulator finds the site."""
    return free_port()


@pytest.fixture(scope="session")
def emulator(postgres: Postgres, site_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A running emulator: PostgreSQL without an endpoint, addresses of two stand-ins of tasks, a site."""
    started = start(
        tmp_path_factory.mktemp("emulator"),
        f"--database={postgres.host}:{postgres.port}",
        f"--database-admin-password-file={postgres.admin_password_file}",
        f"--ca-file={postgres.ca_file}",
        "--task-addresses=us-east-1=127.0.0.2,127.0.0.3",
        "--site=us-west-2=127.0.0.1:9",
        f"--site=us-east-1=127.0.0.1:{site_port}",
    )
    yield started
    started.process.terminate()
    started.process.wait(5)
