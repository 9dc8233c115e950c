"""Backups of a running server, as its documentation says: a copy of the data folder, and the archived write-ahead log.

https://www.postgresql.org/docs/18/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
"""

import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rehearsal.postgresql.configuration import ARCHIVE, ARCHIVE_SECONDS, NO_ARCHIVE, TO_ARCHIVE

ARCHIVED_SECONDS = 10  # how long a segment may take to be archived
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history")
# Files of the running server, and folders whose contents are.
_NOT_COPIED = {"postmaster.pid", "postmaster.opts"}
_EMPTY = {
    "pg_wal",
    "pg_replslot",
    "pg_dynshmem",
    "pg_notify",
    "pg_serial",
    "pg_snapshots",
    "pg_stat_tmp",
    "pg_subtrans",
}


class NotArchivedError(Exception):
    """PostgreSQL has not archived a segment in time; the message names it."""


@dataclass(frozen=True)
class BaseBackup:
    """A consistent copy of a data folder, once the log from its first to its last segment is replayed.

    Args:
        folder: has `data` and `wal`, the collected segments.
        started: when the copy began, by the server's clock.
        earliest: the first moment that the server can be restored to.
    """

    folder: Path
    first_segment: str
    last_segment: str
    started: datetime
    earliest: datetime

    @property
    def data(self) -> Path:
        """The copied data folder."""
        return self.folder / "data"

    @property
    def wal(self) -> Path:
        """Folder of the collected segments."""
        return self.folder / "wal"

    def collect(self, archive: Path, *, until: str | None = None) -> None:
        """Take over what is archived since the backup began, until a segment or to the newest."""
        have = _names(self.wal)
        for name in sorted(_names(archive) - have):
            is_needed = _SEGMENT.fullmatch(name) and self.first_segment <= name and (until is None or name <= until)
            if is_needed or _HISTORY.fullmatch(name):
                link_or_copy(archive / name, self.wal / name)


def home_of(admin: Any) -> Path:
    """The folder of the server that the superuser `admin` is connected to, with data and archive in it."""
    return Path(admin.run("SHOW data_directory")[0][0]).parent


def begin_archive(admin: Any) -> Path:
    """Make the server archive its log from now on; return the folder.

    Raises: NotArchivedError when it does not.
    """
    _archive_with(admin, TO_ARCHIVE, ARCHIVE_SECONDS)
    archive = home_of(admin) / ARCHIVE
    before = _names(archive)

    def is_archived() -> bool:
        """Whether a new segment came; the first after the change may still go nowhere."""
        admin.run("SELECT pg_current_xact_id()")
        admin.run("SELECT pg_switch_wal()")
        return any(_SEGMENT.fullmatch(name) for name in _names(archive) - before)

    _wait(is_archived, f"the first segment in {archive}")
    return archive


def end_archive(admin: Any) -> None:
    """Make the server archive nothing, and remove what it has archived."""
    _archive_with(admin, NO_ARCHIVE, 0)
    for file in (home_of(admin) / ARCHIVE).iterdir():
        file.unlink(missing_ok=True)


def _archive_with(admin: Any, command: str, timeout_seconds: int) -> None:
    admin.run(f"ALTER SYSTEM SET archive_command = '{command}'")
    admin.run(f"ALTER SYSTEM SET archive_timeout = {timeout_seconds}")
    admin.run("SELECT pg_reload_conf()")


def take(admin: Any, archive: Path, folder: Path) -> BaseBackup:
    """Copy the data folder of a server that archives, and what its log gets meanwhile, to a new folder.

    Args:
        admin: connection of the superuser; nothing else may run on it meanwhile.
    """
    (folder / "wal").mkdir(parents=True)
    started = now(admin)
    first = admin.run("SELECT pg_walfile_name(pg_backup_start('base', fast => true))")[0][0]
    _copy_data(home_of(admin) / "data", folder / "data")
    last, label = admin.run(
        "SELECT pg_walfile_name(lsn), labelfile FROM pg_backup_stop(wait_for_archive => false) AS stopped"
    )[0]
    (folder / "data" / "backup_label").write_text(label)
    backup = BaseBackup(folder, first, last, started, now(admin))
    wait_until_archived(archive, last)
    backup.collect(archive, until=last)
    return backup


def archive_until_now(admin: Any, archive: Path) -> datetime:
    """Make the server archive what it has written; return until when it can be restored with it.

    PostgreSQL stops at a time only when a later transaction is in the log, so one is made.
    """
    moment = now(admin)
    admin.run("SELECT pg_current_xact_id()")
    segment = admin.run("SELECT pg_walfile_name(pg_switch_wal())")[0][0]
    wait_until_archived(archive, segment)
    return moment


def wait_until_archived(archive: Path, segment: str) -> None:
    """Wait until a segment is in the archive.

    Raises: NotArchivedError when it takes longer than ARCHIVED_SECONDS.
    """
    _wait((archive / segment).exists, f"{segment} in {archive}")


def now(admin: Any) -> datetime:
    """The time of the server's clock, in UTC."""
    moment: datetime = admin.run("SELECT clock_timestamp()")[0][0]
    return moment.astimezone(UTC)


def link_or_copy(source: str | Path, destination: str | Path) -> None:
    """Give a file that never changes another name, or copy it to another file system."""
    try:
        os.link(source, destination)
    except OSError:
        part = Path(f"{destination}.part")
        shutil.copy(source, part)
        part.rename(destination)


def _names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


def _wait(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + ARCHIVED_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise NotArchivedError(f"PostgreSQL has not archived {what} within {ARCHIVED_SECONDS} s")
        time.sleep(0.02)


def _copy_data(data: Path, copy: Path) -> None:
    """Copy a data folder in use: what vanishes meanwhile is made up for by the log."""
    for place, folders, files in os.walk(data):
        here = Path(place)
        into = copy / here.relative_to(data)
        into.mkdir(mode=0o700)
        if here.parent == data and here.name in _EMPTY:
            files.clear()
            if here.name != "pg_wal":
                folders.clear()
        folders[:] = [one for one in folders if one != "pgsql_tmp"]
        for name in set(files) - (_NOT_COPIED if here == data else set()):
            try:
                shutil.copyfile(here / name, into / name)
            except FileNotFoundError:
                continue
