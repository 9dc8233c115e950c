"""A PostgreSQL server as RDS runs it: TLS only, passwords by SCRAM, pg_stat_statements preloaded."""

import secrets
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from rehearsal.machine.processes import ProcessError
from rehearsal.postgresql import configuration
from rehearsal.postgresql.binaries import binaries, can_run, copy_binaries, private_home, run_as, unprivileged
from rehearsal.postgresql.certificates import Authority
from rehearsal.postgresql.launched import LaunchedServer, User, give


class Postgres(LaunchedServer):
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
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(
            host=host,
            port=port,
            certificates=folder / "certificates",
            admin_password_file=folder / "admin-password",
            log=log or folder / "postgres.log",
            is_behind_endpoint=is_behind_endpoint,
        )
        self._native = native
        self.authority = Authority(self.certificates_folder)
        self.authority.issue("server", "localhost", host)
        self.authority.issue(configuration.IAM_CLIENT, common_name=configuration.IAM_CLIENT)

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
            settings = configuration.settings(self.host, self._copy_files(native, self._home, user))
            self._launch(native, data, user, settings, self._has_roles)
        except BaseException:
            self.stop()
            raise

    def _initialize(self, native: Path, home: Path, user: User) -> Path:
        """Create the data folder with the superuser's password, and who is let in."""
        self.admin_password_file.touch(mode=0o600)
        self.admin_password_file.write_text(secrets.token_urlsafe(24) + "\n")
        password = Path(shutil.copy(self.admin_password_file, home / "password"))
        password.chmod(0o600)
        give(password, user)
        data = home / "data"
        initdb: list[str | Path] = [
            native / "bin" / "initdb",
            "--pgdata",
            data,
            f"--wal-segsize={configuration.SEGMENT_MIB}",
        ]
        initdb += ["--username", "postgres", "--pwfile", password]
        result = run_as(
            [*initdb, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"], user, home
        )
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(result.stdout + result.stderr)
        if result.returncode:
            raise ProcessError("PostgreSQL's initdb", f"exited with code {result.returncode}", self.log)
        (data / "pg_hba.conf").write_text(self._access)
        (data / "pg_ident.conf").write_text(configuration.IDENTITIES)
        return data

    def _has_roles(self) -> bool:
        """Log in as the superuser and create RDS's roles."""
        admin = self.connect()
        admin.run(configuration.ROLES)
        admin.close()
        return True
