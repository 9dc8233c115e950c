"""Creating the statistics and the role: granting what is missing and revoking what is not listed."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ops_lambdas.database_role import core, queries, report
from ops_lambdas.database_role.core import Membership, Right, RoleError
from ops_lambdas.database_role.grants import COLUMNS, HEARTBEAT, MEMBERSHIPS, SCHEMA, STATISTICS, STATISTICS_SCHEMA
from ops_lambdas.shared.database import Writer
from ops_lambdas.shared.lock import LOCK_SPACE, lock_key
from ops_lambdas.shared.sql import quoted


@dataclass(frozen=True)
class RoleMaker:
    """Creates one role with its privileges.

    Args:
        writer: logged in as the database's owner, who may create roles and is not a superuser.
        has_time: whether there is time for one more statement.
    """

    writer: Writer
    role: str
    has_time: Callable[[], bool]

    def ensure(self, environment: str) -> report.Ensured:
        """Create the statistics and the role if they do not exist; grant what is missing, revoke what is not listed.

        Waits for another run that holds the lock. Changes nothing when all is as required. What fails changes nothing;
        the role does not wait for the statistics.

        Raises:
            RoleError: the role cannot be created as required, or time ran out.
            DatabaseError: the database refused, or could not be queried.
        """
        extensions: list[str] = []
        try:
            with self._locked():
                extensions += self._create_statistics()
        finally:
            ensured = self._ensure_role(environment, extensions)
        return ensured

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """A transaction that no other run is beside."""
        with self.writer.transaction():
            self._rows(queries.LOCK, space=LOCK_SPACE, check=lock_key("database_role"))
            yield

    def _create_statistics(self) -> list[str]:
        """Create the extension whose library the parameter group preloads, where it is not in the database yet.

        Its schema is not the application's, which Prisma takes for its own: it would drop the views, or refuse to
        migrate a schema that is not empty. The path finds them without the schema's name.
        """
        if self._rows(queries.EXTENSION, extension=STATISTICS):
            return []
        ((database,),) = self._rows("SELECT current_database()")
        self._run(
            f"CREATE SCHEMA IF NOT EXISTS {quoted(STATISTICS_SCHEMA)}",
            f"CREATE EXTENSION {quoted(STATISTICS)} SCHEMA {quoted(STATISTICS_SCHEMA)}",
            f"""ALTER DATABASE {quoted(database)} SET search_path = "$user", {SCHEMA}, {STATISTICS_SCHEMA}""",
        )
        return [STATISTICS]

    def _ensure_role(self, environment: str, extensions: list[str]) -> report.Ensured:
        with self._locked():
            ((database, master, owner, has_schema, exists),) = self._rows(
                queries.CONTEXT, schema=SCHEMA, role=self.role
            )
            if self.role in (master, owner):
                raise RoleError(f"{self.role} is the database's owner, the checks need another role")
            ((was_in_rds_iam,),) = self._rows(queries.OWNER_IN_RDS_IAM)
            if not exists:
                self._create()
            self._check_attributes()
            wanted, pending = core.wanted_rights(
                database, SCHEMA, COLUMNS, self._existing_columns(), has_schema=has_schema
            )
            wanted |= self._rights_on_statistics() | self._rights_on_heartbeat()
            revoked = [*self._take_over(owner), *self._revoke_memberships(), *self._revoke(wanted)]
            granted = [*self._grant_memberships(), *self._grant(wanted)]
            self._check(wanted)
            ((is_in_rds_iam,),) = self._rows(queries.OWNER_IN_RDS_IAM)
            if is_in_rds_iam and not was_in_rds_iam:
                raise RoleError(
                    f"{master} is a member of {self.role}: granting rds_iam to it would end the owner's own login by "
                    f"password. Drop the role {self.role}: the next run creates it without a member"
                )
        return report.ensured(
            environment,
            self.role,
            extensions=extensions,
            is_created=not exists,
            granted=granted,
            revoked=revoked,
            pending=pending,
        )

    def _create(self) -> None:
        """Create the role so that nobody is a member of it.

        The creator of a role becomes a member of it, which cannot be revoked (PostgreSQL 16 and newer), and RDS
        lets members of rds_iam, even indirect ones, log in by token only: created by the owner, the role would end
        the owner's own login, and the application's with it. So a temporary role creates it, and is then dropped.
        """
        creator = f"{self.role[:54]}_creator"
        self._run(
            "SET LOCAL createrole_self_grant = 'set'",
            f"CREATE ROLE {quoted(creator)} CREATEROLE",
            f"SET LOCAL ROLE {quoted(creator)}",
            f"CREATE ROLE {quoted(self.role)} LOGIN",
            "RESET ROLE",
            f"DROP ROLE {quoted(creator)}",
        )

    def _check_attributes(self) -> None:
        ((can_login, *others),) = self._rows(queries.ATTRIBUTES, role=self.role)
        if not can_login or any(others):
            needed = "LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS"
            raise RoleError(f"the role {self.role} must be {needed}, and is not")

    def _existing_columns(self) -> dict[str, set[str]]:
        existing: dict[str, set[str]] = defaultdict(set)
        for table, column in self._rows(queries.EXISTING_COLUMNS, schema=SCHEMA):
            existing[table].add(column)
        return existing

    def _rights_on_statistics(self) -> frozenset[Right]:
        schemas = {schema for (schema,) in self._rows(queries.EXTENSION, extension=STATISTICS)}
        return frozenset(Right("USAGE", "SCHEMA", "", schema) for schema in schemas)

    def _rights_on_heartbeat(self) -> frozenset[Right]:
        """Create the heartbeat and its one row, where they are missing."""
        schema, table, column = HEARTBEAT
        if not self._rows(queries.TABLE, schema=schema, table=table):
            self._run(
                f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}",
                f"CREATE TABLE {quoted(schema)}.{quoted(table)} "
                f"(is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only), {quoted(column)} timestamptz)",
            )
        self._run(f"INSERT INTO {quoted(schema)}.{quoted(table)} DEFAULT VALUES ON CONFLICT DO NOTHING")  # noqa: S608
        return frozenset(
            {
                Right("USAGE", "SCHEMA", "", schema),
                *(Right(privilege, "TABLE", schema, table, column) for privilege in ("SELECT", "UPDATE")),
            }
        )

    def _memberships(self) -> list[Membership]:
        return [Membership(*row) for row in self._rows(queries.MEMBERSHIPS, role=self.role)]

    def _rights(self) -> frozenset[Right]:
        return frozenset(Right(*row) for row in self._rows(queries.RIGHTS, role=self.role))

    def _take_over(self, owner: str) -> list[str]:
        """Give the owner what the role owns, which may do anything with it; return what that was."""
        owned = [what for (what,) in self._rows(queries.OWNED, role=self.role)]
        if not owned:
            return []
        statement = f"REASSIGN OWNED BY {quoted(self.role)} TO {quoted(owner)}"
        ((may_reassign,),) = self._rows(queries.MAY_REASSIGN, role=self.role)
        if not may_reassign:
            raise RoleError(f"{self.role} owns {', '.join(owned)}, and {owner} may not take it over: {statement}")
        self._run(statement)
        return [f"ownership of {what}" for what in owned]

    def _revoke_memberships(self) -> list[str]:
        unwanted = [one for one in self._memberships() if one.role not in MEMBERSHIPS or one.is_admin]
        self._run(*(f"REVOKE {one.role} FROM {quoted(self.role)} GRANTED BY {one.grantor} CASCADE" for one in unwanted))
        return [f"membership in {one.role}" for one in unwanted]

    def _grant_memberships(self) -> list[str]:
        missing = sorted(MEMBERSHIPS - {one.role for one in self._memberships()})
        self._run(*(f"GRANT {quoted(one)} TO {quoted(self.role)}" for one in missing))
        return [f"membership in {one}" for one in missing]

    def _revoke(self, wanted: frozenset[Right]) -> list[str]:
        unwanted = sorted(self._rights() - wanted)
        self._run(*core.statements("REVOKE", unwanted, self.role))
        return list(map(str, unwanted))

    def _grant(self, wanted: frozenset[Right]) -> list[str]:
        missing = sorted(wanted - self._rights())
        self._run(*core.statements("GRANT", missing, self.role))
        return list(map(str, missing))

    def _check(self, wanted: frozenset[Right]) -> None:
        """Check the outcome: for what others granted or own, GRANT and REVOKE only warn."""
        rights, roles = self._rights(), {one.role for one in self._memberships()}
        wrong = [*map(str, sorted(wanted ^ rights)), *sorted(MEMBERSHIPS ^ roles)]
        if wrong:
            raise RoleError(f"the owner cannot grant or revoke for {self.role}: {', '.join(wrong)}")

    def _run(self, *statements: str) -> None:
        for statement in statements:
            self._rows(statement)

    def _rows(self, sql: str, **parameters: Any) -> list[list[Any]]:
        if not self.has_time():
            raise RoleError("time ran out, nothing was changed")
        return self.writer.rows(sql, **parameters)
