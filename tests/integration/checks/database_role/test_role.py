"""The checks' role, created by an owner who is not a superuser: what it may do, and what it may not."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import cast

import pg8000.native
import pytest

from ops_lambdas.database_role import grants, queries
from ops_lambdas.database_role import role as role_module
from ops_lambdas.database_role.core import RoleError
from ops_lambdas.database_role.report import Ensured
from ops_lambdas.shared.database import DatabaseError, Reader
from ops_lambdas.shared.thread_records import ThreadRecords
from rehearsal.stand_in import TABLES_SQL
from tests.integration.checks.database_role.world import PASSWORD, dropped, make
from tests.integration.conftest import Database

TABLES = TABLES_SQL.read_text()
FORBIDDEN = [
    """INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId") VALUES ('x', 'user-1', 'p', 'w')""",
    'DELETE FROM "Session"',
    'TRUNCATE "Session" CASCADE',
    'UPDATE "Session" SET "lastActivityAt" = now()',
    'UPDATE "Session" SET "endTime" = now(), "currentScore" = 0',
    'SELECT "userId" FROM "Session"',
    'SELECT "walletAddress" FROM "Session"',
    'SELECT * FROM "Session"',
    'SELECT * FROM "User"',
    'SELECT "username" FROM "User"',
    "DELETE FROM operations.heartbeat",
    "UPDATE operations.heartbeat SET is_only = true",
    'SELECT "content" FROM "Message"',
    'SELECT "agentId" FROM "Thread"',
    'UPDATE "Thread" SET "createdAt" = now()',
    'DELETE FROM "Thread"',
    'CREATE TABLE "Mine" ()',
    "CREATE SCHEMA mine",
    "CREATE DATABASE mine",
    "CREATE ROLE mine",
    'ALTER TABLE "Session" ADD COLUMN mine int',
    "SELECT * FROM pg_authid",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SET ROLE pardon_admin",
    "CREATE EXTENSION pgcrypto",
    "SELECT pg_stat_statements_reset()",
]


@pytest.fixture
def ops(database: Database, role: str) -> Iterator[pg8000.native.Connection]:
    """Logged in as the role, as made in a database with the application's tables and the seed."""
    with closing(database.connect()) as owner:
        owner.run('TRUNCATE "User" CASCADE')
    database.seed()
    assert make(database, role)["state"] == "ensured"
    with closing(database.server.connect()) as admin:
        admin.run(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'")
    with closing(database.server.connect(database.name, user=role, password=PASSWORD)) as connection:
        yield connection


def test_the_role_is_made_once_and_then_left_alone(database: Database, role: str) -> None:
    first = make(database, role)
    assert (first["state"], first["is_created"], first["revoked"], first["pending"]) == ("ensured", True, [], [])
    assert first["granted"] == [
        "membership in pg_monitor",
        "membership in rds_iam",
        f"CONNECT on {database.name}",
        "SELECT on operations.heartbeat.beat_at",
        *(f"SELECT on public.Message.{name}" for name in sorted(grants.COLUMNS["SELECT", "Message"])),
        *(f"SELECT on public.Session.{name}" for name in sorted(grants.COLUMNS["SELECT", "Session"])),
        *(f"SELECT on public.Thread.{name}" for name in sorted(grants.COLUMNS["SELECT", "Thread"])),
        *(f"SELECT on public.User.{name}" for name in sorted(grants.COLUMNS["SELECT", "User"])),
        "UPDATE on operations.heartbeat.beat_at",
        "UPDATE on public.Session.endTime",
        "USAGE on monitoring",
        "USAGE on operations",
        "USAGE on public",
    ]
    again = make(database, role)
    assert (again["state"], again["is_created"], again["granted"], again["revoked"]) == ("ensured", False, [], [])


def test_the_role_has_no_member_so_the_owner_keeps_its_password(database: Database, role: str) -> None:
    make(database, role)
    with closing(database.server.connect()) as admin:
        assert admin.run("SELECT FROM pg_auth_members WHERE roleid = :role::regrole", role=role) == []
        assert admin.run("SELECT FROM pg_roles WHERE rolname LIKE '%_creator'") == []


def test_what_it_may_not_do(ops: pg8000.native.Connection) -> None:
    for sql in FORBIDDEN:
        with pytest.raises(pg8000.native.DatabaseError, match=r"'C': '42501'"):
            ops.run(sql)


def test_what_it_may_do(ops: pg8000.native.Connection) -> None:
    # The other checks' tests run whole as this role.
    ((thread,),) = ops.run('SELECT "coralThreadId" FROM "Thread" LIMIT 1')
    now = datetime.now(UTC).replace(tzinfo=None)
    assert ThreadRecords(Reader(ops), ended_before=now, quiet_since=now).known([thread]).keys() == {thread}
    assert ops.run('SELECT ctid, "id", "coralSessionId", "startTime", "endTime", "lastActivityAt" FROM "Session"')
    assert ops.run('SELECT "id", "sessionId", "coralThreadId", "createdAt" FROM "Thread"')
    assert ops.run('SELECT "threadId", "createdAt", "timestamp" FROM "Message"')
    assert ops.run('SELECT "id" FROM "Session" FOR UPDATE SKIP LOCKED')
    ops.run("""UPDATE "Session" SET "endTime" = now() AT TIME ZONE 'UTC' WHERE "endTime" IS NULL""")
    ((others,),) = ops.run("SELECT pg_has_role(current_user, 'pg_monitor', 'USAGE')")
    assert others is True


def test_the_slowest_statements_are_there_for_owner_and_role(ops: pg8000.native.Connection, database: Database) -> None:
    slowest = "SELECT query, mean_exec_time FROM pg_stat_statements ORDER BY mean_exec_time DESC LIMIT 10"
    with closing(database.connect()) as owner:
        owner.run("SELECT count(*) AS from_the_owner")
        queries_seen = "SELECT query FROM pg_stat_statements WHERE query LIKE '%from_the_owner%'"
        assert owner.run(slowest)
        assert owner.run(queries_seen)
    assert len(ops.run(slowest)) == 10
    assert ops.run(queries_seen)  # of another role


def test_statistics_are_created_once_outside_the_applications_schema(empty_database: Database, role: str) -> None:
    schema_of = "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_stat_statements'"
    assert [make(empty_database, role)["extensions"] for _ in range(2)] == [["pg_stat_statements"], []]
    with closing(empty_database.connect()) as owner:
        assert owner.run(schema_of) == [["monitoring"]]
        assert owner.run("SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []
        # A table without a schema's name is the application's, as before.
        owner.run("CREATE TABLE somewhere ()")
        assert owner.run("SELECT 'somewhere'::regclass = 'public.somewhere'::regclass") == [[True]]
        # Where an operator has created it before, it stays.
        owner.run("DROP EXTENSION pg_stat_statements")
        owner.run("CREATE EXTENSION pg_stat_statements SCHEMA public")
        again = make(empty_database, role)
        assert (again["extensions"], again["revoked"]) == ([], ["USAGE on monitoring"])
        assert owner.run(schema_of) == [["public"]]
    dropped(empty_database, role)


def test_the_heartbeat_is_made_again_outside_the_applications_schema(database: Database, role: str) -> None:
    """It has one row, which the role may write and not delete."""
    make(database, role)
    with closing(database.connect()) as owner:
        assert owner.run("SELECT is_only, beat_at FROM operations.heartbeat") == [[True, None]]
        owner.run("UPDATE operations.heartbeat SET beat_at = '2026-11-28T07:00Z'")
        make(database, role)
        assert owner.run("SELECT extract(hour FROM beat_at AT TIME ZONE 'UTC')::int FROM operations.heartbeat") == [[7]]
        owner.run("DELETE FROM operations.heartbeat")
        make(database, role)
        owner.run("DROP SCHEMA operations CASCADE")
        granted = make(database, role)["granted"]
        assert owner.run("SELECT count(*)::int FROM operations.heartbeat") == [[1]]
    assert granted == [
        "SELECT on operations.heartbeat.beat_at",
        "UPDATE on operations.heartbeat.beat_at",
        "USAGE on operations",
    ]


def test_the_role_is_made_although_the_statistics_cannot_be(
    database: Database, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role_module, "STATISTICS", "pg_missing")
    with pytest.raises(DatabaseError, match="pg_missing"):
        make(database, role)
    monkeypatch.undo()
    monkeypatch.setenv("PGSSLROOTCERT", str(database.server.ca_file))
    assert make(database, role)["is_created"] is False


def test_without_the_applications_tables_the_role_is_made_and_completed_later(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", str(empty_database.server.ca_file))
    role = f"ops_{empty_database.name}"
    first = make(empty_database, role)
    assert (first["state"], first["pending"]) == (
        "pending",
        ["public.Message", "public.Session", "public.Thread", "public.User"],
    )
    with closing(empty_database.connect()) as owner:
        owner.run('CREATE TABLE "Thread" ("sessionId" text)')
        assert make(empty_database, role)["pending"] == [
            "public.Message",
            "public.Session",
            "public.Thread.coralThreadId",
            "public.Thread.createdAt",
            "public.Thread.id",
            "public.User",
        ]
        owner.run('DROP TABLE "Thread"')
        owner.run(TABLES)
        assert make(empty_database, role)["state"] == "ensured"
        # What `prisma migrate reset` does: drop and create the schema, then the tables.
        owner.run("DROP SCHEMA public CASCADE")
        assert make(empty_database, role)["pending"] == ["public", *first["pending"]]
        owner.run("CREATE SCHEMA public")
        owner.run(TABLES)
    last = make(empty_database, role)
    assert (last["state"], last["is_created"], last["revoked"]) == ("ensured", False, [])
    assert "USAGE on public" in last["granted"]
    dropped(empty_database, role)


def test_what_is_more_than_wanted_is_revoked(
    database: Database, role: str, connection: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(database, role)
    connection.run(f'GRANT SELECT ON "User" TO {role}')
    connection.run(f'GRANT SELECT, DELETE ON "Session" TO {role}')
    connection.run(f'GRANT SELECT ("createdAt") ON "Thread" TO {role} WITH GRANT OPTION')
    connection.run(f"GRANT CREATE ON DATABASE {database.name} TO {role}")
    connection.run(f"GRANT pg_signal_backend TO {role}")
    connection.run(f"CREATE SEQUENCE numbers; GRANT USAGE ON SEQUENCE numbers TO {role}")
    result = make(database, role)
    assert result["revoked"] == [
        "membership in pg_signal_backend",
        f"CREATE on {database.name}",
        "DELETE on public.Session",
        "SELECT on public.Session",
        "SELECT on public.Thread.createdAt with grant option",
        "SELECT on public.User",
        "USAGE on public.numbers",
    ]
    assert make(database, role)["revoked"] == []
    # A list that became shorter takes effect.
    monkeypatch.setattr(role_module, "COLUMNS", {("SELECT", "Session"): ("id", "endTime")})
    shorter = make(database, role)
    assert "UPDATE on public.Session.endTime" in shorter["revoked"]
    assert shorter["granted"] == []


def test_runs_at_once_make_one_role(database: Database, role: str) -> None:
    results: list[Ensured | DatabaseError] = []

    def run() -> None:
        try:
            results.append(make(database, role))
        except DatabaseError as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [isinstance(result, DatabaseError) for result in results] == [False] * 4, results
    assert sorted(cast(Ensured, result)["is_created"] for result in results) == [False, False, False, True]


def test_a_role_that_would_end_the_owners_login_by_password_is_not_made(
    database: Database, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server of the tests lets the owner grant rds_iam as a member of it; RDS may let it without.
    through_the_role = f"SELECT count(*) > 0 FROM pg_auth_members WHERE member = to_regrole('{role}')"
    monkeypatch.setattr(queries, "OWNER_IN_RDS_IAM", through_the_role)
    with pytest.raises(RoleError, match="would end the owner's own login by password"):
        make(database, role)
    with closing(database.server.connect()) as admin:
        assert admin.run("SELECT FROM pg_roles WHERE rolname = :role", role=role) == []


def test_the_owner_itself_and_a_privileged_role_are_refused(database: Database, role: str) -> None:
    with pytest.raises(RoleError, match="is the database's owner"):
        make(database, database.user)
    with closing(database.server.connect()) as admin:
        admin.run(f"CREATE ROLE {role} LOGIN CREATEDB")
    with pytest.raises(RoleError, match=f"the role {role} must be LOGIN NOSUPERUSER"):
        make(database, role)


def test_what_others_granted_and_the_owner_cannot_revoke_is_an_error(database: Database, role: str) -> None:
    make(database, role)
    with closing(database.server.connect(database.name)) as admin:
        admin.run(f"CREATE TABLE theirs (); GRANT SELECT ON theirs TO {role}")
        with pytest.raises((RoleError, DatabaseError), match="theirs"):
            make(database, role)
        admin.run("DROP TABLE theirs")
