"""Rights that others gave the role, on objects of every kind: the next run takes them away, or says who has to."""

from collections.abc import Iterator
from contextlib import closing

import pg8000.native
import pytest

from ops_lambdas.database_role.core import RoleError
from ops_lambdas.shared.database import DatabaseError, reading
from ops_lambdas.shared.login import Credentials
from tests.integration.checks.database_role.world import PASSWORD, make
from tests.integration.conftest import Database


@pytest.fixture
def owner(database: Database, role: str) -> Iterator[pg8000.native.Connection]:
    make(database, role)
    with closing(database.connect()) as connection:
        yield connection


@pytest.mark.parametrize(
    ("prepare", "grant", "revoked"),
    [
        (
            "CREATE FUNCTION \"my F\"(integer, text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            'EXECUTE ON FUNCTION "my F"(integer, text)',
            'EXECUTE on routine "my F"(integer,text)',
        ),
        (
            "CREATE PROCEDURE do_it() LANGUAGE sql AS 'SELECT 1'",
            "EXECUTE ON PROCEDURE do_it()",
            "EXECUTE on routine do_it()",
        ),
        ("CREATE TYPE \"Mood\" AS ENUM ('ok')", 'USAGE ON TYPE "Mood"', 'USAGE on type "Mood"'),
        ("CREATE DOMAIN price AS numeric", "USAGE ON TYPE price", "USAGE on type price"),
        ("CREATE SEQUENCE numbers", "ALL ON SEQUENCE numbers", "SELECT on public.numbers"),
        ("SELECT 1", 'ALL ON "User"', "DELETE on public.User"),
        ("SELECT 1", 'SELECT ("content") ON "Message"', "SELECT on public.Message.content"),
        ("SELECT 1", "CREATE ON SCHEMA public", "CREATE on public"),
    ],
)
def test_a_right_that_is_not_listed_is_revoked(
    database: Database, role: str, owner: pg8000.native.Connection, prepare: str, grant: str, revoked: str
) -> None:
    owner.run(prepare)
    owner.run(f"GRANT {grant} TO {role}")
    result = make(database, role)
    assert revoked in result["revoked"]
    assert make(database, role)["revoked"] == []


@pytest.mark.parametrize(
    ("default", "revoked"),
    [
        ("IN SCHEMA public GRANT SELECT ON TABLES", "SELECT on default tables public.pardon_admin"),
        ("GRANT EXECUTE ON FUNCTIONS", "EXECUTE on default routines pardon_admin"),
        ("IN SCHEMA public GRANT USAGE ON SEQUENCES", "USAGE on default sequences public.pardon_admin"),
        ("GRANT USAGE ON TYPES", "USAGE on default types pardon_admin"),
        ("GRANT USAGE ON SCHEMAS", "USAGE on default schemas pardon_admin"),
    ],
)
def test_a_default_for_what_is_created_later_is_revoked(
    database: Database, role: str, owner: pg8000.native.Connection, default: str, revoked: str
) -> None:
    owner.run(f"ALTER DEFAULT PRIVILEGES {default} TO {role}")
    assert revoked in make(database, role)["revoked"]
    owner.run("CREATE TABLE later (id int)")
    assert owner.run("SELECT has_table_privilege(CAST(:role AS name), 'later', 'SELECT')", role=role) == [[False]]
    owner.run("DROP TABLE later")
    assert make(database, role)["revoked"] == []


def test_what_the_role_owns_is_named_and_taken_over_where_the_owner_may(
    database: Database, role: str, owner: pg8000.native.Connection
) -> None:
    with closing(database.server.connect(database.name)) as admin:
        admin.run("CREATE TABLE taken (id int)")
        admin.run(f"ALTER TABLE taken OWNER TO {role}")
        with pytest.raises(RoleError, match=f"{role} owns table taken, .*REASSIGN OWNED BY"):
            make(database, role)
        admin.run(f"ALTER ROLE {database.user} SUPERUSER")
        assert "ownership of table taken" in make(database, role)["revoked"]
        admin.run(f"ALTER ROLE {database.user} NOSUPERUSER")
    assert owner.run("SELECT tableowner FROM pg_tables WHERE tablename = 'taken'") == [[database.user]]


def test_without_usage_of_the_schema_the_tables_are_not_missing(
    database: Database, role: str, owner: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", str(database.server.ca_file))
    with closing(database.server.connect(database.name)) as admin:
        admin.run(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'")
        admin.run(f"REVOKE USAGE ON SCHEMA public FROM {role}, public")
    login = Credentials(
        host=database.server.host,
        port=database.server.port,
        database=database.name,
        username=role,
        password=PASSWORD,
    )
    for sql in ('SELECT "id" FROM public."Session"', 'SELECT "id" FROM public."Thread"'):
        with (
            pytest.raises(DatabaseError, match="permission denied for schema public, SQLSTATE 42501"),
            reading(login, application_name="t") as reader,
        ):
            reader.rows(sql)
    assert "USAGE on public" in make(database, role)["granted"]
    assert owner.run("SELECT 1")
