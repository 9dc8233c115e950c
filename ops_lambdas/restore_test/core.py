"""Whether a restored database holds what the record says. Values in, values out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ops_lambdas.shared.contents import Contents

# AWS Backup begins the name of what it restores for a test so, and deletes it afterwards.
# https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-inferred-metadata.html
RESTORED_PREFIX = "awsbackup-restore-test-"
# What was recorded just before the recovery point's creation may not be in it: a job's time and its snapshot's differ.
MARGIN = timedelta(minutes=10)
# Records are hourly; with one of them missing, the next older one serves.
MAX_RECORD_AGE = timedelta(hours=2)
FINAL = ("SUCCESSFUL", "FAILED")


@dataclass(frozen=True)
class Job:
    """A restore job of AWS Backup.

    Attributes:
        status: PENDING, RUNNING, COMPLETED, ABORTED or FAILED.
        recovery_point_created: when the backup was made that is restored.
        resource: identifier of the instance that was made; "" when none was.
        validation: VALIDATING, SUCCESSFUL, FAILED, TIMED_OUT, or "".
    """

    id: str
    status: str
    message: str
    source_arn: str
    recovery_point_created: datetime
    created: datetime
    completed: datetime | None
    resource: str
    validation: str

    @property
    def minutes(self) -> float | None:
        """How long the restore took; None while it runs."""
        return round((self.completed - self.created) / timedelta(minutes=1), 1) if self.completed else None


@dataclass(frozen=True)
class Verdict:
    """The outcome of a test.

    Attributes:
        failures: reasons; empty when it is SUCCESSFUL.
        record, restored: what was compared; None when that was not there.
    """

    failures: tuple[str, ...]
    record: Contents | None = None
    restored: Contents | None = None

    @property
    def status(self) -> str:
        """AWS Backup's word for it."""
        return "FAILED" if self.failures else "SUCCESSFUL"


def record_window(recovery_point_created: datetime) -> tuple[datetime, datetime]:
    """Return after and before which moments a record must have been taken that the recovery point has to hold."""
    before = recovery_point_created - MARGIN
    return before - MAX_RECORD_AGE, before


def compare(record: Contents, restored: Contents, found: Mapping[str, Collection[str]]) -> Verdict:
    """Compare a restored database with a record of the original from before the backup.

    The tables only grow, so what was there then has to be there.

    Args:
        found: of the record's newest ids, those that the restored tables have.
    """
    failures = [] if record.heartbeat is not None else ["the record has no heartbeat"]
    if record.heartbeat is not None and (restored.heartbeat is None or restored.heartbeat < record.heartbeat):
        failures.append(
            f"the restored heartbeat is {_moment(restored.heartbeat)}, must be at least {_moment(record.heartbeat)}"
        )
    for name, table in record.tables.items():
        there = restored.tables.get(name)
        if there is None:
            failures.append(f"the table {name} is missing")
            continue
        if there.rows < table.rows:
            failures.append(f"{name} has {there.rows} rows, must have at least {table.rows}")
        missing = [one for one in table.newest if one not in found.get(name, ())]
        if missing:
            failures.append(f"{name} lacks {len(missing)} of the newest {len(table.newest)} rows: {', '.join(missing)}")
    return Verdict(tuple(failures), record, restored)


def _moment(moment: datetime | None) -> str:
    return "missing" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def rows_compared(verdict: Verdict) -> Sequence[tuple[str, int, int | None]]:
    """Name, recorded rows and restored rows of each table of the record."""
    if verdict.record is None or verdict.restored is None:
        return ()
    restored = verdict.restored.tables
    return [
        (name, one.rows, restored[name].rows if name in restored else None)
        for name, one in verdict.record.tables.items()
    ]
