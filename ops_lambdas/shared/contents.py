"""What the database holds: rows and newest ids of the application's tables, and our heartbeat. A backup is compared."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ops_lambdas.shared.database import DatabaseError, Reader, Writer
from ops_lambdas.shared.sql import quoted

# A schema of ours: what is in `public`, Prisma takes for the application's. `database_role` creates both.
HEARTBEAT_SCHEMA, HEARTBEAT_TABLE = "operations", "heartbeat"
# Tables that the application only adds rows to, each with the column that tells which are the newest.
TABLES = {"Message": "createdAt", "Session": "startTime", "Thread": "createdAt", "User": "createdAt"}
NEWEST = 5

_HEARTBEAT = f"{quoted(HEARTBEAT_SCHEMA)}.{quoted(HEARTBEAT_TABLE)}"
_EXISTING = """
SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'public' AND relkind IN ('r', 'p') AND relname = ANY(:names)
"""


@dataclass(frozen=True)
class TableContents:
    """How many rows a table has, and the ids of its newest."""

    rows: int
    newest: tuple[str, ...]


@dataclass(frozen=True)
class Contents:
    """What a database held at one moment.

    Attributes:
        taken_at: that moment, by the database's clock, in UTC.
        heartbeat: when it was written last; None: never.
        tables: those of TABLES that exist, by name.
    """

    taken_at: datetime
    heartbeat: datetime | None
    tables: Mapping[str, TableContents]


def beat(writer: Writer) -> None:
    """Write the heartbeat.

    Raises:
        DatabaseError: its table or row is missing, or may not be written.
    """
    # Names of ours, not a stranger's.
    if not writer.rows(f"UPDATE {_HEARTBEAT} SET beat_at = now() RETURNING 1"):  # noqa: S608
        raise DatabaseError(f"{_HEARTBEAT} has no row: database_role, which runs hourly, makes it")


def measured(reader: Reader) -> Contents:
    """Count and look, at one moment: within `reading`. Every row of the tables is read.

    Raises:
        TablesMissingError: the heartbeat's table does not exist.
        DatabaseError: another reason why the tables cannot be read.
    """
    ((taken_at, heartbeat),) = reader.rows(f"SELECT now(), (SELECT max(beat_at) FROM {_HEARTBEAT})")  # noqa: S608
    names = sorted(name for (name,) in reader.rows(_EXISTING, names=list(TABLES)))
    return Contents(taken_at, heartbeat, {name: _table(reader, name) for name in names})


def present(reader: Reader, table: str, ids: Collection[str]) -> set[str]:
    """Return those of these ids that the table has."""
    rows = reader.rows(f'SELECT "id" FROM {_in_public(table)} WHERE "id" = ANY(:ids)', ids=list(ids))  # noqa: S608
    return {str(id_) for (id_,) in rows}


def _table(reader: Reader, name: str) -> TableContents:
    table, by = _in_public(name), quoted(TABLES[name])
    ((rows,),) = reader.rows(f"SELECT count(*) FROM {table}")  # noqa: S608
    newest: Sequence[Sequence[str]] = reader.rows(
        f'SELECT "id" FROM {table} ORDER BY {by} DESC, "id" LIMIT {NEWEST}'  # noqa: S608
    )
    return TableContents(int(rows), tuple(str(id_) for (id_,) in newest))


def _in_public(table: str) -> str:
    return f"public.{quoted(table)}"
