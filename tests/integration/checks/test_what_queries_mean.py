"""What a query means does not depend on how the database and the role are set, and hidden rows are no empty table."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pg8000.native
import pytest

from ops_lambdas.pool_health import core, queries
from ops_lambdas.session_cleanup.access import count_stale, end_stale
from ops_lambdas.shared.database import Credentials, DatabaseError, reading, writing
from tests.integration.checks.session_cleanup.world import add, clock, states
from tests.integration.conftest import Database

SETTINGS = {
    "TimeZone": "'Asia/Tokyo'",
    "search_path": "pg_catalog, elsewhere",
    "client_encoding": "'LATIN1'",
    "row_security": "on",
}


@pytest.fixture
def connection(database: Database) -> Iterator[pg8000.native.Connection]:
    with closing(database.connect()) as connection:
        connection.run("""INSERT INTO "User" ("id", "walletAddress", "username") VALUES ('u', 'w', 'n')""")
        yield connection


@contextmanager
def disturbed(database: Database, role: str) -> Iterator[None]:
    """Set everything else for the database and the role, beside a schema with tables of the same names."""
    with closing(database.server.connect(database.name)) as admin:
        admin.run("CREATE SCHEMA elsewhere")
        for table in ("Session", "Thread"):
            admin.run(f'CREATE TABLE elsewhere."{table}" (LIKE public."{table}")')
        admin.run("GRANT USAGE ON SCHEMA elsewhere TO public")
        admin.run("GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA elsewhere TO public")
        for name, value in SETTINGS.items():
            admin.run(f"ALTER DATABASE {database.name} SET {name} TO {value}")
            admin.run(f"ALTER ROLE {role} SET {name} TO {value}")
        yield
        admin.run(f"ALTER ROLE {role} RESET ALL")


@pytest.mark.parametrize("kind", ["timestamp(3)", "timestamp(3) with time zone"])
def test_ages_and_tables_are_the_same_for_both_types_and_any_setting(
    ops_login: Credentials, connection: pg8000.native.Connection, database: Database, kind: str
) -> None:
    for table, column in (
        *(("Session", column) for column in ("startTime", "endTime", "lastActivityAt")),
        ("Thread", "createdAt"),
    ):
        sql = f"""ALTER TABLE "{table}" ALTER "{column}" TYPE {kind} USING "{column}" AT TIME ZONE 'UTC'"""
        connection.run(sql if "zone" in kind else f'ALTER TABLE "{table}" ALTER "{column}" TYPE {kind}')
    connection.run("SET timezone TO 'UTC'")
    add(connection, 2, idle="59 minutes", threads=1)
    stale = set(add(connection, 3, idle="61 minutes", threads=1))
    with disturbed(database, ops_login.username):
        with reading(ops_login, application_name="t") as reader:
            assert sum(pool.sessions for pool in count_stale(reader, older_than_minutes=60)) == 3
            parameters = {"active_minutes": 60, "stuck_minutes": 120, "inactive_limit": core.INACTIVE_LIMIT}
            pools = core.counts(reader.rows(queries.POOLS, **parameters)).pools
            assert sum(pool.active_sessions for pool in pools) == 2
            assert reader.rows("SELECT 'é'") == [["é"]]
        with writing(ops_login, application_name="t") as writer:
            list(end_stale(writer, older_than_minutes=60))
    after = states(connection)
    assert {one for one, state in after.items() if state.end} == stale
    ((seconds,),) = connection.run(
        """SELECT max(abs(extract(epoch FROM now() AT TIME ZONE 'UTC' - "endTime"))) FROM "Session" """
    )
    assert seconds < 60, f"ended now, at {clock(connection)}"


def test_rows_that_a_policy_hides_are_an_error_and_no_empty_table(
    ops_login: Credentials, connection: pg8000.native.Connection
) -> None:
    add(connection, 2, idle="2 hours", threads=1)
    connection.run('ALTER TABLE "Session" ENABLE ROW LEVEL SECURITY')
    with (
        pytest.raises(DatabaseError, match="affected by row-level security"),
        reading(ops_login, application_name="t") as reader,
    ):
        count_stale(reader, older_than_minutes=60)
