"""Which privileges a role needs, and the statements that grant and revoke them. Values in, values out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ops_lambdas.shared.sql import quoted

_DEFAULT = "DEFAULT "
_WRITTEN = ("ROUTINE", "TYPE", "LARGE OBJECT")


class RoleError(RuntimeError):
    """The role cannot be created as required; the message has the reason."""


@dataclass(frozen=True, order=True)
class Right:
    """A privilege granted to the role.

    Args:
        kind: "DATABASE", "SCHEMA", "TABLE", "SEQUENCE", "ROUTINE", "TYPE", …; "DEFAULT TABLES" and so on for what a
            role is going to create, by that role's name.
        schema: of a table or sequence, or that a default is for; else empty.
        column: when it is on one column only, else empty.
        is_grantable: the role may grant it to others.
    """

    privilege: str
    kind: str
    schema: str
    name: str
    column: str = ""
    is_grantable: bool = False

    def __str__(self) -> str:
        where = ".".join(part for part in (self.schema, self.name, self.column) if part)
        kind = "" if self.kind in ("DATABASE", "SCHEMA", "TABLE", "SEQUENCE") else f"{self.kind.lower()} "
        return f"{self.privilege} on {kind}{where}{' with grant option' if self.is_grantable else ''}"


@dataclass(frozen=True, order=True)
class Membership:
    """A role that the role is a member of, and who granted that."""

    role: str
    grantor: str = ""
    is_admin: bool = False


def wanted_rights(
    database: str,
    schema: str,
    columns: Mapping[tuple[str, str], Sequence[str]],
    existing: Mapping[str, Iterable[str]],
    *,
    has_schema: bool,
) -> tuple[frozenset[Right], tuple[str, ...]]:
    """Return the privileges that can be granted now, and the names that the others wait for.

    Args:
        columns: those wanted, by privilege and table.
        existing: the columns of each table that exists.
    """
    rights = {Right("CONNECT", "DATABASE", "", database)}
    pending: set[str] = set()
    if has_schema:
        rights.add(Right("USAGE", "SCHEMA", "", schema))
    else:
        pending.add(schema)
    for (privilege, table), names in columns.items():
        if table not in existing:
            pending.add(f"{schema}.{table}")
            continue
        there = set(existing[table])
        rights |= {Right(privilege, "TABLE", schema, table, name) for name in names if name in there}
        pending |= {f"{schema}.{table}.{name}" for name in names if name not in there}
    return frozenset(rights), tuple(sorted(pending))


def statements(verb: Literal["GRANT", "REVOKE"], rights: Iterable[Right], role: str) -> list[str]:
    """Return the statements that grant or revoke the privileges; columns of a table together."""
    by_object: dict[tuple[str, str, str, str, bool], list[str]] = defaultdict(list)
    for right in sorted(rights):
        key = (right.privilege, right.kind, right.schema, right.name, bool(right.column))
        by_object[key].append(right.column)
    preposition, end = ("TO", "") if verb == "GRANT" else ("FROM", " CASCADE")
    made = []
    for (privilege, kind, schema, name, has_columns), columns in by_object.items():
        what = f"{privilege} ({', '.join(map(quoted, columns))})" if has_columns else privilege
        if kind.startswith(_DEFAULT):
            within = f" IN SCHEMA {quoted(schema)}" if schema else ""
            made.append(
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(name)}{within} "
                f"{verb} {what} ON {kind.removeprefix(_DEFAULT)} {preposition} {quoted(role)}{end}"
            )
            continue
        # PostgreSQL has written these in the way in which it reads them.
        where = name if kind in _WRITTEN else f"{quoted(schema)}.{quoted(name)}" if schema else quoted(name)
        made.append(f"{verb} {what} ON {kind} {where} {preposition} {quoted(role)}{end}")
    return made
