"""What every PostgreSQL server here has in common: its home, its files, its process, its end."""

import os
import shutil
import signal
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pg8000.native

from rehearsal.machine.ports import free_port
from rehearsal.machine.processes import Process, ProcessError, start, tail
from rehearsal.postgresql import configuration

START_SECONDS = 60
_ATTEMPTS = 5  # a free port can be taken by someone else before the server has it
User = tuple[int, int] | None  # user and group id that PostgreSQL runs as when this process is root


class LaunchedServer:
    """A PostgreSQL server with the files of a region: TLS only, passwords by SCRAM, archiving its log.

    Args:
        folder: of its certificates: ca.pem, server.pem, rds-iam.pem, each with its key beside it.
        admin_password_file: of the password of the superuser `postgres`.
    Attributes: host, port, certificates_folder, ca_file (the authority's, PEM), admin_password_file, log, process.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int | None,
        certificates: Path,
        admin_password_file: Path,
        log: Path,
        is_behind_endpoint: bool,
    ) -> None:
        self.host = host
        self.port = port or 0
        self.certificates_folder = certificates
        self.ca_file = certificates / "ca.pem"
        self.admin_password_file = admin_password_file
        self.log = log
        self._is_port_free = port is None
        self._access = configuration.ACCESS_BEHIND_ENDPOINT if is_behind_endpoint else configuration.ACCESS
        self._home: Path | None = None
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        """The server's process, to be watched."""
        assert self._process is not None, "PostgreSQL is not started"  # noqa: S101
        return self._process

    @property
    def admin_password(self) -> str:
        """Password of the superuser `postgres`."""
        return self.admin_password_file.read_text().strip()

    def stop(self) -> None:
        """End the server (fast shutdown) and remove its data."""
        if self._process:
            self._process.stop()
        if self._home:
            shutil.rmtree(self._home, ignore_errors=True)

    def connect(
        self,
        database: str = "postgres",
        *,
        user: str = "postgres",
        password: str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> pg8000.native.Connection:
        """Connect over TLS that verifies the server's certificate and name."""
        return pg8000.native.Connection(
            user,
            host=self.host,
            port=self.port,
            database=database,
            password=password or self.admin_password,
            ssl_context=context or ssl.create_default_context(cafile=self.ca_file),
            timeout=30,
        )

    def _copy_files(self, native: Path, home: Path, user: User) -> dict[str, str]:
        """Copy what the server reads to its home; return the values of the settings that name it."""
        copied = {
            "authority": shutil.copy(self.ca_file, home),
            "chain": shutil.copy(self.certificates_folder / "server.pem", home),
            "key": shutil.copy(self.certificates_folder / "server-key.pem", home),
        }
        for path in copied.values():
            Path(path).chmod(0o600)
        (home / configuration.ARCHIVE).mkdir(mode=0o700)
        for path in (*copied.values(), home / configuration.ARCHIVE):
            give(Path(path), user)
        return {**{name: str(path) for name, path in copied.items()}, "extensions": _trusted_extension(native, home)}

    def _launch(self, native: Path, data: Path, user: User, settings: str, is_ready: Callable[[], bool]) -> None:
        """Start the server and wait until it is ready; on a free port, try others when it is taken meanwhile.

        Args:
            settings: with a gap for {port}.
            is_ready: asked until it is so; what it raises of a server that does not answer yet is not an error.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self.port = free_port() if self._is_port_free else self.port
                (data / "postgresql.auto.conf").write_text(settings.replace("{port}", str(self.port)))
                self._start(native, data, user)
                self._wait(is_ready)
            except ProcessError:
                taken = "Address already in use" in tail(self.log)
                if not (taken and self._is_port_free) or attempt == _ATTEMPTS:
                    raise
            else:
                return

    def _start(self, native: Path, data: Path, user: User) -> None:
        self._process = start(
            "PostgreSQL",
            [native / "bin" / "postgres", "-D", data],
            log=self.log,
            environment={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/local/bin:/usr/bin:/bin"},
            folder=data.parent,
            user=user[0] if user else None,
            group=user[1] if user else None,
            stop_signal=signal.SIGINT,  # "fast": ends the sessions instead of waiting for them
        )

    def _wait(self, is_ready: Callable[[], bool]) -> None:
        deadline, error = time.monotonic() + START_SECONDS, ""
        while self.process.is_running:
            try:
                if is_ready():
                    return
            except (pg8000.native.InterfaceError, pg8000.native.DatabaseError, OSError) as not_yet:
                error = f": {not_yet}"
            if time.monotonic() > deadline:
                raise ProcessError(self.process.name, f"does not answer{error}", self.log)
            time.sleep(0.05)
        raise ProcessError(self.process.name, self.process.end_description(), self.log)


def give(path: Path, user: User) -> None:
    """Make the file or folder that of the user whom PostgreSQL runs as."""
    if user:
        os.chown(path, *user)


def _trusted_extension(native: Path, home: Path) -> str:
    """Copy the extension to where the server looks first, as one that a database's owner may create."""
    folder = home / "extensions" / "extension"
    folder.mkdir(parents=True)
    for file in (native / "share" / "postgresql" / "extension").glob(f"{configuration.EXTENSION}*"):
        shutil.copy(file, folder)
    with (folder / f"{configuration.EXTENSION}.control").open("a") as control:
        control.write("trusted = true\n")
    for path in (folder.parent, folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return str(folder.parent)
