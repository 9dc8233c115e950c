"""The folder of one run, and the removal of folders that killed runs have left."""

import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "pardon-rehearsal-"
_LOCK = "lock"


@dataclass(frozen=True)
class Workspace:
    """A temporary folder that is locked for as long as its run lives."""

    folder: Path
    lock: int

    def remove(self) -> None:
        """Remove the folder and all in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.lock)


def make(parent: Path | None = None) -> Workspace:
    """Create a run's folder, and remove those of runs that were killed.

    Args:
        parent: where the folders are; the system's folder for temporary files otherwise.
    """
    parent = parent or Path(tempfile.gettempdir())
    for left in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        _remove_unlocked(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    folder.chmod(0o711)  # PostgreSQL's user must be able to enter
    unlocked = folder / "lock-to-be"
    lock = os.open(unlocked, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    unlocked.rename(folder / _LOCK)  # only now, so that no other run finds it unlocked
    return Workspace(folder, lock)


def _remove_unlocked(path: Path) -> None:
    try:
        lock = os.open(path, os.O_RDWR)
    except OSError:  # another user's, or removed by its own run meanwhile
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path.parent, ignore_errors=True)
    except BlockingIOError:  # its run lives
        pass
    finally:
        os.close(lock)
