"""The scripts of dumps and their restore, run by the stand-in against PostgreSQL."""

import csv
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from constructs.dump.transfer_task import IMAGES, POSTGRESQL
from rehearsal import ROOT
from rehearsal.postgresql.server import Postgres
from tests.integration.conftest import Database

SCRIPTS = ROOT / "constructs" / "dump"
LOGIN, OWNER, PASSWORD = "dump_login", "dump_owner", "dump-tests"
REFUSED, DIFFERS = 3, 4
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """A database, and the folder that a task's containers share."""

    database: Database
    folder: Path

    def run(self, script: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run a script as the container does, and keep what it logs."""
        return self.run_text((SCRIPTS / script).read_text(), **changed)

    def run_text(self, script: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run the text of a script."""
        secret = self.database.secret
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PGHOST": str(secret["host"]),
            "PGPORT": str(secret["port"]),
            "PGDATABASE": str(secret["dbname"]),
            "PGUSER": LOGIN,
            "PGPASSWORD": PASSWORD,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "authorities.pem",
            "DATABASE_CA": self.database.server.ca_file.read_text(),
            "TABLES": (SCRIPTS / "tables.sql").read_text(),
            **changed,
        }
        command = [sys.executable, "-m", "rehearsal.stand_in.one_off", IMAGES[POSTGRESQL], "sh", "-c"]
        return subprocess.run(
            [*command, script],
            env=environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )

    def as_admin(self, sql: str) -> list[tuple[object, ...]]:
        """Run a statement as the server's superuser, in this database."""
        connection = self.database.server.connect(self.database.name)
        try:
            return [tuple(row) for row in connection.run(sql) or ()]
        finally:
            connection.close()

    @property
    def counts(self) -> dict[str, int]:
        """The row counts beside the dump."""
        with (self.folder / "rows.csv").open() as file:
            return {name: int(count) for name, count in csv.reader(file)}


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Place:
    """The application's database with rows, whose owner's login is the application's, as rotations make it."""
    found = Place(database, tmp_path)
    database.seed()
    if not found.as_admin(f"SELECT FROM pg_roles WHERE rolname = '{LOGIN}'"):
        found.as_admin(f"CREATE ROLE {OWNER} NOLOGIN")
        found.as_admin(f"CREATE ROLE {LOGIN} LOGIN IN ROLE {OWNER} PASSWORD '{PASSWORD}'")
    own(found)
    found.as_admin(f"REASSIGN OWNED BY {database.user} TO {OWNER}")
    return found


@pytest.fixture
def empty(place: Place, postgres: Postgres) -> Iterator[Place]:
    """An empty database of the same owner."""
    name = f"restored_{next(_numbers)}"
    place.as_admin(f"CREATE DATABASE {name}")
    found = Place(Database(postgres, name), place.folder)
    own(found)
    yield found
    place.as_admin(f"DROP DATABASE {name} WITH (FORCE)")


def own(place: Place) -> None:
    """Give a database its owner, and what `database_role` creates in it."""
    name = place.database.name
    place.as_admin("CREATE SCHEMA operations")
    place.as_admin("CREATE TABLE operations.heartbeat (beat_at timestamptz)")
    place.as_admin("CREATE SCHEMA monitoring")
    place.as_admin("CREATE EXTENSION pg_stat_statements WITH SCHEMA monitoring")
    place.as_admin(f"ALTER DATABASE {name} OWNER TO {OWNER}")
    place.as_admin(f"ALTER ROLE {LOGIN} IN DATABASE {name} SET role = '{OWNER}'")


def test_a_dump_restored_into_an_empty_database_has_every_row_and_the_owner(place: Place, empty: Place) -> None:
    dumped = place.run("dump.sh")
    assert dumped.returncode == 0, dumped.stdout
    restored = empty.run("restore.sh")
    assert restored.returncode == 0, restored.stdout

    tables = [str(name) for (name,) in place.as_admin("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    assert len(tables) > 2
    for table in tables:
        rows = f'SELECT * FROM "{table}" ORDER BY 1'
        assert empty.as_admin(rows) == place.as_admin(rows)
        (count,) = place.as_admin(f'SELECT count(*) FROM "{table}"')[0]
        assert place.counts[f"public.{table}"] == count
    owners = empty.as_admin("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert owners == [(OWNER,)]
    assert sum(place.counts.values()) > 0


def test_a_database_with_tables_is_left_as_it_is(place: Place) -> None:
    place.run("dump.sh")
    before = place.as_admin('SELECT count(*) FROM "Session"')
    refused = place.run("restore.sh")
    assert refused.returncode == REFUSED
    assert f"refused: the database {place.database.name} is not empty" in refused.stdout
    assert place.as_admin('SELECT count(*) FROM "Session"') == before


@pytest.mark.parametrize("schema", ["public", "closed"])
def test_a_table_that_cannot_be_read_fails_the_dump(place: Place, schema: str) -> None:
    place.as_admin(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    place.as_admin(f"CREATE TABLE {schema}.hidden (id int)")  # the superuser's
    failed = place.run("dump.sh")
    assert failed.returncode == 1
    assert "permission denied" in failed.stdout
    assert not (place.folder / "database.dump").exists()


def test_rows_hidden_by_a_policy_fail_the_dump(place: Place) -> None:
    for sql in ("CREATE TABLE secured (id int)", "ALTER TABLE secured ENABLE ROW LEVEL SECURITY"):
        place.as_admin(sql)
    place.as_admin(f"GRANT SELECT ON secured TO {OWNER}")
    failed = place.run("dump.sh")
    assert failed.returncode == 1
    assert "row-level security" in failed.stdout


def test_counts_and_dump_are_of_one_moment(place: Place, empty: Place) -> None:
    """What others write after the snapshot is neither counted nor dumped, however late pg_dump begins."""
    messages = place.as_admin('SELECT count(*) FROM "Message"')[0][0]
    assert messages
    results: list[subprocess.CompletedProcess[str]] = []
    paused = (
        (SCRIPTS / "dump.sh")
        .read_text()
        .replace("\\! pg_dump", "\\! touch at; until [ -e on ]; do sleep 0.1; done; pg_dump")
    )
    dump = threading.Thread(target=lambda: results.append(place.run_text(paused)))
    dump.start()
    deadline = time.monotonic() + 20
    while not (place.folder / "at").exists():
        assert time.monotonic() < deadline, "there is no snapshot"
        time.sleep(0.05)
    place.as_admin('DELETE FROM "Message"')
    (place.folder / "on").touch()
    dump.join(60)
    assert results[0].returncode == 0, results[0].stdout
    assert place.counts["public.Message"] == messages
    restored = empty.run("restore.sh")
    assert restored.returncode == 0, restored.stdout


def test_other_row_counts_than_those_beside_the_dump_are_an_error(place: Place, empty: Place) -> None:
    place.run("dump.sh")
    rows = place.folder / "rows.csv"
    rows.write_text(rows.read_text().replace(",", ",1", 1))
    differs = empty.run("restore.sh")
    assert differs.returncode == DIFFERS
    assert "the row counts differ" in differs.stdout


def test_a_damaged_dump_leaves_the_database_empty(place: Place, empty: Place) -> None:
    place.run("dump.sh")
    dump = place.folder / "database.dump"
    dump.write_bytes(dump.read_bytes()[: dump.stat().st_size // 2])
    failed = empty.run("restore.sh")
    assert failed.returncode not in (0, REFUSED, DIFFERS)
    assert empty.as_admin("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_a_server_that_another_authority_vouches_for_gets_no_password(place: Place, tmp_path: Path) -> None:
    from rehearsal.postgresql.certificates import Authority

    other = Authority(tmp_path / "other").ca_file.read_text()
    failed = place.run("dump.sh", DATABASE_CA=other)
    assert failed.returncode != 0
    assert "certificate verify failed" in failed.stdout
    assert PASSWORD not in failed.stdout
