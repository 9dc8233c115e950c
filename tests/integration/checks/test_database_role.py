"""The checks' role, made by an owner who is no superuser: what it may do, and what it may not."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any, cast

import pg8000.native
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.database_role import grants, queries
from ops_lambdas.database_role import role as role_module
from ops_lambdas.database_role.core import RoleError
from ops_lambdas.database_role.handler import handler
from ops_lambdas.database_role.report import Ensured
from ops_lambdas.database_role.role import RoleMaker
from ops_lambdas.shared import database as shared_database
from ops_lambdas.shared.database import Credentials, DatabaseError
from ops_lambdas.thread_cleanup import queries as thread_cleanup
from rehearsal.postgres import ROOT, Postgres
from tests.integration.checks.conftest import ARN, Secrets
from tests.integration.checks.servers import answers, in_turn, resets, serving
from tests.integration.conftest import Database

TABLES = (ROOT / "rehearsal" / "application.sql").read_text()
PASSWORD = "for-tests-in-place-of-a-token"
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
]


def credentials_of(database: Database) -> Credentials:
    host, port = database.server.host, database.server.port
    return Credentials(host=host, port=port, database=database.name, username=database.user, password=database.password)


def make(database: Database, role: str) -> Ensured:
    with shared_database.writing(credentials_of(database), application_name="database_role") as writer:
        return RoleMaker(writer, role, lambda: True).ensure("rehearsal")


def dropped(database: Database, role: str) -> None:
    with closing(database.server.connect(database.name)) as admin:
        if admin.run("SELECT FROM pg_roles WHERE rolname = :role", role=role):
            admin.run(f"DROP OWNED BY {role}")
            admin.run(f"DROP ROLE {role}")


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[Database]:
    """One database for all tests here, each with the role made anew: in place of a new one for each."""
    with closing(postgres.connect()) as admin:
        admin.run("CREATE DATABASE roles TEMPLATE application_template OWNER pardon_admin")
        yield Database(postgres, "roles")
        admin.run("DROP DATABASE roles WITH (FORCE)")


@pytest.fixture(autouse=True)
def _trust(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", str(database.server.ca_file))


@pytest.fixture
def role(database: Database) -> Iterator[str]:
    name = f"ops_{database.name}"
    yield name
    dropped(database, name)


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
        *(f"SELECT on public.Session.{name}" for name in sorted(grants.COLUMNS["SELECT", "Session"])),
        *(f"SELECT on public.Thread.{name}" for name in sorted(grants.COLUMNS["SELECT", "Thread"])),
        "UPDATE on public.Session.endTime",
        "USAGE on public",
    ]
    again = make(database, role)
    assert (again["state"], again["is_created"], again["granted"], again["revoked"]) == ("ensured", False, [], [])


def test_nobody_is_a_member_of_it_so_the_owner_keeps_its_password(database: Database, role: str) -> None:
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
    ((known, is_settled),) = ops.run(
        thread_cleanup.KNOWN,
        ids=json.dumps(ops.run('SELECT "coralThreadId" FROM "Thread" LIMIT 1')[0]),
        grace_seconds=1,
    )
    assert known
    assert is_settled in (True, False)
    assert ops.run('SELECT ctid, "id", "coralSessionId", "startTime", "endTime", "lastActivityAt" FROM "Session"')
    assert ops.run('SELECT "sessionId", "coralThreadId", "createdAt" FROM "Thread"')
    assert ops.run('SELECT "id" FROM "Session" FOR UPDATE SKIP LOCKED')
    ops.run("""UPDATE "Session" SET "endTime" = now() AT TIME ZONE 'UTC' WHERE "endTime" IS NULL""")
    ((others,),) = ops.run("SELECT pg_has_role(current_user, 'pg_monitor', 'USAGE')")
    assert others is True


def test_without_the_applications_tables_the_role_is_made_and_completed_later(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", str(empty_database.server.ca_file))
    role = f"ops_{empty_database.name}"
    first = make(empty_database, role)
    assert (first["state"], first["pending"]) == ("pending", ["public.Session", "public.Thread"])
    with closing(empty_database.connect()) as owner:
        owner.run('CREATE TABLE "Thread" ("sessionId" text)')
        assert make(empty_database, role)["pending"] == [
            "public.Session",
            "public.Thread.coralThreadId",
            "public.Thread.createdAt",
        ]
        owner.run('DROP TABLE "Thread"')
        owner.run(TABLES)
        assert make(empty_database, role)["state"] == "ensured"
        # What `prisma migrate reset` does: the schema anew, and the tables.
        owner.run("DROP SCHEMA public CASCADE")
        assert make(empty_database, role)["pending"] == ["public", "public.Session", "public.Thread"]
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


def test_a_role_that_would_take_the_owners_password_away_is_not_made(
    database: Database, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server of the tests lets the owner grant rds_iam as a member of it; RDS may let it without.
    through_the_role = f"SELECT count(*) > 0 FROM pg_auth_members WHERE member = to_regrole('{role}')"
    monkeypatch.setattr(queries, "OWNER_IN_RDS_IAM", through_the_role)
    with pytest.raises(RoleError, match="would end the owner's own login by password"):
        make(database, role)
    with closing(database.server.connect()) as admin:
        assert admin.run("SELECT FROM pg_roles WHERE rolname = :role", role=role) == []


def test_the_owner_itself_and_a_role_with_power_are_refused(database: Database, role: str) -> None:
    with pytest.raises(RoleError, match="is the database's owner"):
        make(database, database.user)
    with closing(database.server.connect()) as admin:
        admin.run(f"CREATE ROLE {role} LOGIN CREATEDB")
    with pytest.raises(RoleError, match=f"the role {role} must be LOGIN NOSUPERUSER"):
        make(database, role)


def test_what_others_granted_and_the_owner_cannot_take_back_is_said(database: Database, role: str) -> None:
    make(database, role)
    with closing(database.server.connect(database.name)) as admin:
        admin.run(f"CREATE TABLE theirs (); GRANT SELECT ON theirs TO {role}")
        with pytest.raises((RoleError, DatabaseError), match="theirs"):
            make(database, role)
        admin.run("DROP TABLE theirs")


class Asked:
    """The handler as CloudFormation or the schedule calls it."""

    def __init__(self, database: Database, secrets: Secrets, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
        secrets.hold(json.dumps(database.secret))
        self.password = database.password
        variables = {
            "ENVIRONMENT": "rehearsal",
            "DATABASE_SECRET_ARN": ARN,
            "DATABASE_USER": role,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "NO_PROXY": "127.0.0.1",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    def run(self, event: object, *, milliseconds: int = 60_000) -> Any:
        context = SimpleNamespace(
            function_name="f",
            memory_limit_in_mb="256",
            invoked_function_arn="arn",
            aws_request_id="id",
            get_remaining_time_in_millis=lambda: milliseconds,
        )
        return handler(event, cast(LambdaContext, context))

    def by_cloudformation(self, kind: str, *, milliseconds: int = 60_000) -> tuple[Any, dict[str, Any]]:
        with serving(in_turn(resets, answers(503), answers(200))) as bucket:
            result = self.run(self.request(kind, bucket.url), milliseconds=milliseconds)
        assert [(one.method, one.headers["content-type"]) for one in bucket.requests] == [("PUT", "")] * 3
        body = json.loads(bucket.requests[-1].body)
        assert {key: body[key] for key in ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")} == {
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Role",
            "PhysicalResourceId": "database-role",
        }
        assert self.password not in bucket.requests[-1].body.decode()
        return result, body

    def request(self, kind: str, url: str) -> dict[str, Any]:
        return {
            "RequestType": kind,
            "ResponseURL": f"{url}/answer?signed",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Role",
            "ResourceType": "Custom::DatabaseRole",
            "ResourceProperties": {"ServiceToken": "arn"},
        }


@pytest.fixture
def asked(database: Database, secrets: Secrets, role: str, monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setattr("ops_lambdas.database_role.cloudformation.time.sleep", lambda _: None)
    return Asked(database, secrets, role, monkeypatch)


def test_cloudformation_is_told_that_the_role_is_there(asked: Asked, database: Database, role: str) -> None:
    result, body = asked.by_cloudformation("Create")
    assert (result["state"], body["Status"], body["Data"]) == ("ensured", "SUCCESS", {"State": "ensured"})
    assert asked.run({})["granted"] == []
    with closing(database.server.connect()) as admin:
        result, body = asked.by_cloudformation("Delete")
        assert (result["state"], body["Status"]) == ("left", "SUCCESS")
        assert admin.run("SELECT FROM pg_roles WHERE rolname = :role", role=role) == [[]]


def test_cloudformation_is_told_of_failures_without_secrets(
    asked: Asked, secrets: Secrets, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.password = "hunter2"
    secrets.hold(json.dumps({**database.secret, "password": asked.password}))
    result, body = asked.by_cloudformation("Update")
    assert (result["state"], body["Status"]) == ("failed", "FAILED")
    assert "password authentication failed" in body["Reason"]
    secrets.status = 400
    assert "cannot be read" in asked.by_cloudformation("Create")[1]["Reason"]
    monkeypatch.setenv("DATABASE_USER", "Robert'); DROP")
    assert "DATABASE_USER must be" in asked.by_cloudformation("Create")[1]["Reason"]
    assert asked.by_cloudformation("Delete")[1]["Status"] == "SUCCESS"


def test_without_time_nothing_is_changed_and_cloudformation_told(asked: Asked, database: Database, role: str) -> None:
    _, body = asked.by_cloudformation("Create", milliseconds=20_000)
    assert (body["Status"], body["Reason"]) == ("FAILED", "time ran out, nothing was changed")
    with closing(database.server.connect()) as admin:
        assert admin.run("SELECT FROM pg_roles WHERE rolname = :role", role=role) == []


def test_what_nobody_expected_is_told_and_raised(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops_lambdas.database_role.handler.RoleMaker", None)
    with serving(answers(200)) as bucket, pytest.raises(TypeError):
        asked.run(asked.request("Create", bucket.url))
    assert json.loads(bucket.requests[0].body)["Reason"] == "unexpected error, see the function's log"
