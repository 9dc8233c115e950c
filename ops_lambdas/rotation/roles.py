"""The database's users: two that the application alternates between, and the role that owns what it makes."""

import base64

from scramp import ScramMechanism

from ops_lambdas.rotation import core
from ops_lambdas.rotation.versions import RotationError
from ops_lambdas.shared.bounds import cut
from ops_lambdas.shared.database import Credentials, Reader, Writer, reading
from ops_lambdas.shared.lock import LOCK_SPACE, lock_key
from ops_lambdas.shared.sql import quoted

APPLICATION_NAME = "rotation"
# Sessions of the master that are no task of the application.
_OURS = (APPLICATION_NAME, "database_role")
_ITERATIONS = 4096  # PostgreSQL's own

_LOCK = "SELECT pg_advisory_xact_lock(:space, :check)"  # database_role's
_ROLES = "SELECT rolname::text FROM pg_roles WHERE rolname = ANY(:names)"
_MEMBERSHIPS = """
SELECT member.rolname::text FROM pg_auth_members JOIN pg_roles AS member ON member.oid = member
JOIN pg_roles AS of_group ON of_group.oid = roleid
WHERE of_group.rolname = :owner AND inherit_option AND set_option
"""
_DEFAULT_ROLES = """
SELECT rolname::text FROM pg_db_role_setting JOIN pg_roles ON pg_roles.oid = setrole
WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND :setting = ANY(setconfig)
"""
_OWNS = """
SELECT count(*) FROM pg_shdepend
WHERE refclassid = 'pg_authid'::regclass AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = session_user)
  AND deptype = 'o' AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
_SESSIONS = """
SELECT count(*), string_agg(DISTINCT coalesce(nullif(application_name, ''), 'unnamed'), ', ') FROM pg_stat_activity
WHERE usename = session_user AND pid <> pg_backend_pid() AND NOT application_name = ANY(:ours)
"""
_ACTS_AS = """
SELECT current_user::text, has_schema_privilege('public', 'CREATE'),
       (SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = ANY(:users))
"""


def make_login(writer: Writer, master: str, login: str, password: str) -> None:
    """Make the user who acts as the owner, give it this password, and give the owner all that the master owns.

    All in one transaction, beside which no other changes roles. A session of the master acts as the owner from its
    start, too, unless it asks for `role=none`: the application begins with the master.

    Args:
        writer: of the master, with its own role.

    Raises:
        DatabaseError: PostgreSQL refuses; nothing was changed.
    """
    owner, database = core.owner(master), str(_one(writer, "SELECT current_database()"))
    with writer.transaction():
        writer.rows(_LOCK, space=LOCK_SPACE, check=lock_key("database_role"))
        names = [owner, *core.logins(master)]
        there = {name for (name,) in writer.rows(_ROLES, names=names)}
        if owner not in there:
            writer.rows(f"CREATE ROLE {quoted(owner)} NOLOGIN")
        if login not in there:
            writer.rows(f"CREATE ROLE {quoted(login)} LOGIN")
        members = {name for (name,) in writer.rows(_MEMBERSHIPS, owner=owner)}
        acting = {name for (name,) in writer.rows(_DEFAULT_ROLES, setting=f"role={owner}")}
        for user in (master, login):
            if user not in members:
                writer.rows(f"GRANT {quoted(owner)} TO {quoted(user)} WITH INHERIT TRUE, SET TRUE")
        if _one(writer, _OWNS):
            writer.rows(f"REASSIGN OWNED BY {quoted(master)} TO {quoted(owner)}")
        for user in (master, login):
            if user not in acting:
                writer.rows(f"ALTER ROLE {quoted(user)} IN DATABASE {quoted(database)} SET role = {quoted(owner)}")
        writer.rows(f"ALTER ROLE {quoted(login)} LOGIN PASSWORD '{verifier(password)}'")


def change_password(writer: Writer, master: str, password: str) -> None:
    """Change the master's own password, unless a task of the application may still log in with the old one.

    Raises:
        RotationError: others than our functions are connected as the master.
        DatabaseError: PostgreSQL refuses; nothing was changed.
    """
    ((sessions, clients),) = writer.rows(_SESSIONS, ours=list(_OURS))
    if sessions:
        raise RotationError(
            f"{sessions} sessions of others are connected as {master} ({cut(clients, 200)}): tasks from before the "
            "first rotation, which would lose access, or a person. Replace the tasks with a new deployment"
        )
    writer.rows(f"ALTER ROLE {quoted(master)} PASSWORD '{verifier(password)}'")


def check_login(login: Credentials) -> None:
    """Log in, as the application does.

    Raises:
        DatabaseError: PostgreSQL refuses.
    """
    with reading(login, application_name=APPLICATION_NAME):
        pass


def check_application(login: Credentials, master: str) -> None:
    """Log in as the application does, and check that the user can do all that the other could.

    Raises:
        DatabaseError: PostgreSQL refuses.
        RotationError: it acts as another role than the owner, cannot create tables, or one of the users owns a table
            alone, which the others cannot migrate.
    """
    users = [master, *core.logins(master)]
    with reading(login, application_name=APPLICATION_NAME) as reader:
        ((acts_as, may_create, owned_alone),) = reader.rows(_ACTS_AS, users=users)
    if (acts_as, may_create, owned_alone) != (core.owner(master), True, 0):
        raise RotationError(
            f"{login.username} acts as {acts_as}, must act as {core.owner(master)}; it "
            f"{'can' if may_create else 'cannot'} create tables in public; {owned_alone} tables there belong to one of "
            f"{', '.join(users)} instead of {core.owner(master)}"
        )


def verifier(password: str) -> str:
    """Return what PostgreSQL keeps of a password, so that the password is in no statement, log or statistics.

    Source: https://www.postgresql.org/docs/current/catalog-pg-authid.html
    """
    salt, stored_key, server_key, iterations = ScramMechanism("SCRAM-SHA-256").make_auth_info(
        password, iteration_count=_ITERATIONS
    )
    encoded = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def _one(reader: Reader, sql: str, **parameters: object) -> object:
    ((value,),) = reader.rows(sql, **parameters)
    return value
