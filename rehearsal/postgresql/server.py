"""A PostgreSQL server as RDS runs it: TLS only, passwords by SCRAM, pg_stat_statements preloaded."""

import os
import secrets
import shutil
import signal
import ssl
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pg8000.native

from rehearsal.machine.ports import free_port
from rehearsal.machine.processes import Process, ProcessError, start, tail
from rehearsal.postgresql import configuration
from rehearsal.postgresql.binaries import binaries, can_run, copy_binaries, private_home, run_as, unprivileged
from rehearsal.postgresql.certificates import Authority

_START_SECONDS = 60
_ATTEMPTS = 5  # a free port can be taken by someone else before the server has it


class Postgres:
    """A separate PostgreSQL server in a folder; a context manager that starts it, and removes it on exit.

    Args:
        folder: its certificates, password file and log; and its data, if PostgreSQL's user can enter it.
        host, port: loopback address and port that it listens on; a free port otherwise.
        is_behind_endpoint: members of rds_iam are let in through the emulator's endpoint only, by their
            token; otherwise with a password, as every role.
        native: folder of the binaries; the installed ones otherwise.
        log: file of its log; in `folder` otherwise.
    Attributes: host, port, authority (which signs its certificates), ca_file (the authority's, PEM),
        admin_password_file (of the superuser `postgres`), process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        is_behind_endpoint: bool = False,
        native: Path | None = None,
        log: Path | None = None,
    ) -> None:
        self.folder = folder
        self.host = host
        self.port = port or 0
        self._is_port_free = port is None
        self.admin_password_file = folder / "admin-password"
        self.log = log or folder / "postgres.log"
        self._native = native
        self._home: Path | None = None
        self._process: Process | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._is_behind_endpoint = is_behind_endpoint
        self.authority = Authority(self.certificates_folder)
        self.ca_file = self.authority.ca_file
        self._certificate = self.authority.issue("server", "localhost", host)
        self.authority.issue(configuration.IAM_CLIENT, common_name=configuration.IAM_CLIENT)

    @property
    def certificates_folder(self) -> Path:
        """Folder of ca.pem, and of the server's and the endpoint's certificates and keys."""
        return self.folder / "certificates"

    @property
    def process(self) -> Process:
        """The server's process, to be watched."""
        assert self._process is not None, "PostgreSQL is not started"  # noqa: S101
        return self._process

    @property
    def admin_password(self) -> str:
        """Password of the superuser `postgres`."""
        return self.admin_password_file.read_text().strip()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Create the data folder, start the server and wait until it lets the superuser in.

        Raises: PostgresUnavailableError when it cannot run here, ProcessError when it ends at once.
        """
        user = unprivileged()
        native = self._native or binaries()
        self._home = private_home(self.folder, user)
        try:
            if not can_run(native / "bin" / "postgres", user):
                native = copy_binaries(native, self._home)
            data = self._initialize(native, self._home, user)
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    self._launch(native, data, user)
                    break
                except ProcessError:
                    taken = "Address already in use" in tail(self.log)
                    if not (taken and self._is_port_free) or attempt == _ATTEMPTS:
                        raise
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server (fast shutdown) and remove its data."""
        if self._process:
            self._process.stop()
        if self._home:
            shutil.rmtree(self._home, ignore_errors=True)

    def connect(
        self, database: str = "postgres", *, user: str = "postgres", password: str | None = None
    ) -> pg8000.native.Connection:
        """Connect over TLS that verifies the server's certificate and name."""
        return pg8000.native.Connection(
            user,
            host=self.host,
            port=self.port,
            database=database,
            password=password or self.admin_password,
            ssl_context=ssl.create_default_context(cafile=self.ca_file),
            timeout=30,
        )

    def _initialize(self, native: Path, home: Path, user: tuple[int, int] | None) -> Path:
        self.admin_password_file.touch(mode=0o600)
        self.admin_password_file.write_text(secrets.token_urlsafe(24) + "\n")
        password = shutil.copy(self.admin_password_file, home / "password")
        authority = shutil.copy(self.ca_file, home)
        chain = shutil.copy(self._certificate.chain_file, home)
        key = shutil.copy(self._certificate.key_file, home)
        for path in (password, authority, chain, key):
            Path(path).chmod(0o600)
            if user:
                os.chown(path, *user)
        data = home / "data"
        arguments: list[str | Path] = [
            native / "bin" / "initdb",
            "--pgdata",
            data,
            "--username",
            "postgres",
            "--pwfile",
            password,
        ]
        arguments += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"]
        result = run_as(arguments, user, home)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(result.stdout + result.stderr)
        if result.returncode:
            raise ProcessError("PostgreSQL's initdb", f"exited with code {result.returncode}", self.log)
        access = configuration.ACCESS_BEHIND_ENDPOINT if self._is_behind_endpoint else configuration.ACCESS
        (data / "pg_hba.conf").write_text(access)
        (data / "pg_ident.conf").write_text(configuration.IDENTITIES)
        extensions = self._trusted_extension(native, home)
        self._files = {"authority": authority, "chain": chain, "key": key, "extensions": extensions}
        return data

    def _trusted_extension(self, native: Path, home: Path) -> str:
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

    def _launch(self, native: Path, data: Path, user: tuple[int, int] | None) -> None:
        if self._is_port_free:
            self.port = free_port()
        text = configuration.SETTINGS.format(
            host=self.host, port=self.port, extension=configuration.EXTENSION, **self._files
        )
        (data / "postgresql.auto.conf").write_text(text)
        self._process = start(
            "PostgreSQL",
            [native / "bin" / "postgres", "-D", data],
            log=self.log,
            environment={"LC_ALL": "C", "TZ": "UTC"},
            folder=data.parent,
            user=user[0] if user else None,
            group=user[1] if user else None,
            stop_signal=signal.SIGINT,  # "fast": ends the sessions instead of waiting for them
        )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            if not self.process.is_running:
                raise ProcessError(self.process.name, self.process.end_description(), self.log)
            try:
                admin = self.connect()
            except (pg8000.native.InterfaceError, pg8000.native.DatabaseError, OSError) as error:
                if time.monotonic() > deadline:
                    raise ProcessError(self.process.name, f"does not answer: {error}", self.log) from error
                time.sleep(0.05)
            else:
                admin.run(configuration.ROLES)
                admin.close()
                return
