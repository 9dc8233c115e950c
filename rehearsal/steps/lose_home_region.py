"""The home region is lost at a moment, while users write."""

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pg8000.native

from config import REHEARSAL
from rehearsal.report.facts import Step
from rehearsal.run import Region, Run
from rehearsal.stand_in import TABLES
from rehearsal.steps import set_up_application

_USER = """
    INSERT INTO "User" ("id", "walletAddress", "username") VALUES (:id, :wallet, :name)
"""
_BEFORE, _AFTER = 40, 15
_BACKUP_SECONDS = 60

Rows = dict[str, list[list[Any]]]


@dataclass
class Moment:
    """The moment that is recovered to.

    Attributes:
        at: of the database's clock; everything that was committed until then, and nothing after, has to be there.
        rows: of each table, at that moment.
    """

    at: datetime
    rows: Rows = field(default_factory=dict)


def rows_of(database: pg8000.native.Connection) -> Rows:
    """Every row of the application's tables, in order."""
    return {
        table: [
            list(row)
            for row in database.run(f"SELECT * FROM {pg8000.native.identifier(table)} ORDER BY 1")  # noqa: S608
        ]
        for table in TABLES
    }


def lose(run: Run, home: Region, there: Region, step: Step) -> Moment:
    """Write rows, note a moment, write more, and lose the region once its backups have the moment."""
    database = set_up_application.connect(run, home)
    for number in range(_BEFORE):
        database.run(_USER, id=f"before-{number}", wallet=f"before-{number}", name="before the loss")
    time.sleep(1.1)  # a recovery is to the second
    ((now,),) = database.run("SELECT clock_timestamp()")
    moment = Moment(now.astimezone(UTC).replace(microsecond=0), rows_of(database))
    time.sleep(1.1)
    for number in range(_AFTER):
        database.run(_USER, id=f"after-{number}", wallet=f"after-{number}", name="after the moment")
    database.close()
    rds = run.client("rds", there)

    def latest() -> datetime | None:
        (backup,) = rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
        found: datetime = backup["RestoreWindow"]["LatestTime"]
        return found if found >= moment.at else None

    run.poll(latest, timeout_seconds=_BACKUP_SECONDS, what="backups that reach the moment")
    (run.folder / "emulator" / "lost-regions.json").write_text(json.dumps([home.name]))
    counted = {table: len(rows) for table, rows in moment.rows.items()}
    step.detail = f"{home.name} lost; to recover: {moment.at:%H:%M:%S} UTC, {sum(counted.values())} rows"
    held = counted["User"] >= _BEFORE and REHEARSAL.home_region == home.name
    run.report.expect(held, home.name, "the home region is lost while users write", step.detail)
    return moment
