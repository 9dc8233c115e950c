"""In place of the site's image in one-off tasks: `npx prisma migrate status|deploy`.

Behaves as Prisma's CLI: `status` ends with code 1 when a migration is pending, `deploy` applies what is pending. As
Prisma does, it keeps what it has applied in the table _prisma_migrations.
"""

import os
from pathlib import Path

from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from rehearsal.stand_in.database_url import InvalidUrlError, connect

_FOLDER = Path(__file__).parent / "migrations"
# By an ending of the image's tag; any other tag has the first only.
_OF_TAG = {
    "-2": ("0001_tables", "0002_expand"),
    "-slow": ("0001_tables", "0002_slow"),
    "-broken": ("0001_tables", "0002_broken"),
}
_OWN_TABLE = 'CREATE TABLE IF NOT EXISTS "_prisma_migrations" (migration_name TEXT PRIMARY KEY)'


def run(image: str, command: list[str]) -> int:
    """Return the exit code of the command; the image's tag decides what there is to migrate."""
    if command[:3] != ["npx", "prisma", "migrate"] or command[3:] not in (["status"], ["deploy"]):
        print(f"unknown command {command}")
        return 127
    tag = image.rpartition(":")[2]
    migrations = next((names for end, names in _OF_TAG.items() if tag.endswith(end)), ("0001_tables",))
    try:
        database = connect(os.environ["DATABASE_URL"], Path(os.environ["PGSSLROOTCERT"]))
    except InvalidUrlError as error:
        print(f"Error: P1013: The provided database string is invalid: {error}")
        return 1
    is_deployed = command[3] == "deploy"
    if is_deployed:
        database.run(_OWN_TABLE)
    has_table = database.run("SELECT to_regclass('\"_prisma_migrations\"') IS NOT NULL")[0][0]
    applied = (
        {row[0] for row in database.run('SELECT migration_name FROM "_prisma_migrations"')} if has_table else set()
    )
    pending = [name for name in migrations if name not in applied]
    print(f"{len(migrations)} migrations found, {len(pending)} pending")
    if not is_deployed:
        return int(bool(pending))
    return _apply(database, pending)


def _apply(database: Connection, pending: list[str]) -> int:
    for name in pending:
        print(f"Applying migration `{name}`")
        try:
            database.run("BEGIN")
            for statement in (_FOLDER / f"{name}.sql").read_text().split(";\n"):
                if statement.strip():
                    database.run(statement)
            database.run('INSERT INTO "_prisma_migrations" VALUES (:name)', name=name)
            database.run("COMMIT")
        except DatabaseError as error:
            print(f"Error: P3018: a migration failed to apply: {name}\nDatabase error: {error.args[0]['M']}")
            return 1
    print("All migrations have been successfully applied." if pending else "No pending migrations to apply.")
    return 0
