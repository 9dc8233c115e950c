"""A server that begins with the backup of another one, as it was at a moment."""

import shutil
import ssl
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pg8000.native

from rehearsal.postgresql import configuration
from rehearsal.postgresql.backups import home_of, link_or_copy
from rehearsal.postgresql.binaries import binaries, can_run, unprivileged
from rehearsal.postgresql.launched import LaunchedServer, User, give


@dataclass(frozen=True)
class RestorePoint:
    """What a server is restored from, and to when.

    Args:
        data, wal: folders of a base backup and of the segments that follow.
        moment: the last one whose transactions are kept; None for the moment at which the base backup ended.
    """

    data: Path
    wal: Path
    moment: datetime | None = None

    @property
    def setting(self) -> str:
        """PostgreSQL's setting for it."""
        if self.moment is None:
            return "recovery_target = 'immediate'"
        return f"recovery_target_time = '{self.moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"


class RestoredPostgres(LaunchedServer):
    """A server from a backup: its roles, their passwords and its data, but the region's superuser and certificates.

    Args:
        home: folder of the region's first server, which PostgreSQL's user can enter; this one's is made in it,
            so whoever removes the first removes this one.
        certificates, admin_password_file: the region's.
    """

    def __init__(
        self,
        point: RestorePoint,
        home: Path,
        *,
        host: str,
        certificates: Path,
        admin_password_file: Path,
        log: Path,
        is_behind_endpoint: bool,
    ) -> None:
        super().__init__(
            host=host,
            port=None,
            certificates=certificates,
            admin_password_file=admin_password_file,
            log=log,
            is_behind_endpoint=is_behind_endpoint,
        )
        self._point = point
        self._region_home = home

    def start(self) -> None:
        """Replay the log up to the moment, and wait until the superuser logs in with the region's password.

        Raises: PostgresUnavailableError when it cannot run here, ProcessError when PostgreSQL does not get there.
        """
        user = unprivileged()
        native = binaries()
        if not can_run(native / "bin" / "postgres", user):
            native = self._region_home / "native"  # the first server's copy
        self._home = Path(tempfile.mkdtemp(prefix="restored-", dir=self._region_home))
        give(self._home, user)
        try:
            data = self._copy(self._home, user)
            settings = configuration.settings(self.host, self._copy_files(native, self._home, user))
            settings += configuration.recovery(self._point.setting)
            self._launch(native, data, user, settings, self._is_promoted)
            self._wait(self._lets_in)
            shutil.rmtree(self._home / configuration.REPLAYED)
        except BaseException:
            self.stop()
            raise

    def _copy(self, home: Path, user: User) -> Path:
        """Copy backup and log to where PostgreSQL's user reads and, the data, writes them."""
        data, wal = home / "data", home / configuration.REPLAYED
        shutil.copytree(self._point.data, data)
        shutil.copytree(self._point.wal, wal, copy_function=_linked(user))
        (data / "recovery.signal").touch()
        (data / "pg_hba.conf").write_text(configuration.ACCESS_WHILE_RESTORED)
        (data / "pg_ident.conf").write_text(configuration.IDENTITIES)
        for path in (data, *data.rglob("*"), wal):
            give(path, user)
            if path.is_dir():
                path.chmod(0o700)
        return data

    def _is_promoted(self) -> bool:
        """Whether all is replayed; then the superuser gets its password, and clients are let in as elsewhere."""
        context = ssl.create_default_context(cafile=self.ca_file)
        chain, key = (self.certificates_folder / f"{configuration.IAM_CLIENT}{end}.pem" for end in ("", "-key"))
        context.load_cert_chain(chain, key)
        with closing(self.connect(context=context)) as admin:
            if admin.run("SELECT pg_is_in_recovery()")[0][0]:
                return False
            admin.run(f"ALTER ROLE postgres PASSWORD {pg8000.native.literal(self.admin_password)}")
            (home_of(admin) / "data" / "pg_hba.conf").write_text(self._access)
            admin.run("SELECT pg_reload_conf()")
        return True

    def _lets_in(self) -> bool:
        """Whether the superuser may log in with its password."""
        self.connect().close()
        return True


def _linked(user: User) -> Callable[[str, str], str]:
    def copy(source: str, destination: str) -> str:
        link_or_copy(source, destination)
        give(Path(destination), user)
        return destination

    return copy
