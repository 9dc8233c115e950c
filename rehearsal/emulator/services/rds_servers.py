"""The PostgreSQL servers behind the DB instances: at first one for a region, then also those that are restored."""

import itertools
import ssl
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pg8000.native
from ministack.core.responses import get_region

from rehearsal.machine.processes import ProcessError
from rehearsal.postgresql.backups import home_of
from rehearsal.postgresql.restored import RestoredPostgres, RestorePoint


@dataclass(frozen=True)
class Server:
    """Where a server listens, the password of its role postgres, and the authority of its certificate.

    Beside the authority are the certificates of the region's servers and of its endpoint, with their keys.
    """

    host: str
    port: int
    admin_password_file: Path
    ca_file: Path

    def admin(self) -> Any:
        """Log in as postgres, over TLS that is verified."""
        return pg8000.native.Connection(
            "postgres",
            host=self.host,
            port=self.port,
            password=self.admin_password_file.read_text(encoding="utf-8").strip(),
            database="postgres",
            ssl_context=ssl.create_default_context(cafile=self.ca_file),
            timeout=10,
        )


@dataclass
class Servers:
    """The servers of all regions.

    Args:
        first: by region, "" for any; a region without one has instances that are records only.
        endpoints: host and port by region where clients find its instance, if not at the server's own.
        folder: of the logs of restored servers.
        is_lost: whether a region is lost.
    Attributes: archiving, a lock.
    """

    first: dict[str, Server]
    endpoints: dict[str, tuple[str, int]]
    folder: Path
    is_lost: Callable[[str], bool]

    def __post_init__(self) -> None:
        self._current: dict[str, Server | None] = {}
        self._of_instance: dict[str, Server] = {}
        self._restored: list[RestoredPostgres] = []
        self._numbers = itertools.count(1)
        self.archiving = threading.RLock()  # who begins a backup, or ends what no other needs

    def at_endpoint(self, region: str) -> Server | None:
        """The server that the region's endpoint leads to; None when its instance was renamed and there is no other."""
        return self._current.get(region, self._first(region))

    def of_instance(self, instance: dict[str, Any]) -> Server | None:
        """The server that an instance of this region is on: where it was restored or created."""
        known = self._of_instance.get(instance["DbiResourceId"])
        return known or self.at_endpoint(get_region()) or self._first(get_region())

    def place(self, instance: dict[str, Any]) -> None:
        """Put an instance on the server at the region's endpoint; the first one when nothing is there."""
        region = get_region()
        server = self.at_endpoint(region) or self._first(region)
        if server:
            self._current[region] = self._of_instance[instance["DbiResourceId"]] = server

    def address(self, instance: dict[str, Any]) -> tuple[str, int] | None:
        """Where clients find an instance; None for one that is a record only."""
        region, server = get_region(), self.of_instance(instance)
        if server is None:
            return None
        endpoint = self.endpoints.get(region) or self.endpoints.get("")
        return endpoint if endpoint and server == self.at_endpoint(region) else (server.host, server.port)

    def vacate(self) -> None:
        """Lead the region's endpoint to nothing, as the name of an instance does after it was renamed."""
        self._current[get_region()] = None

    def restore(self, point: RestorePoint) -> None:
        """Start a server with a backup's data, and lead the region's endpoint to it. The previous one goes on.

        Raises:
            ValueError: PostgreSQL cannot restore it, with the end of its log.
        """
        region = get_region()
        first = self._first(region)
        if first is None:
            return
        with closing(first.admin()) as admin:
            home = home_of(admin)
        server = RestoredPostgres(
            point,
            home,
            host=first.host,
            certificates=first.ca_file.parent,
            admin_password_file=first.admin_password_file,
            log=self.folder / f"postgres-{region}-restored-{next(self._numbers)}.log",
            is_behind_endpoint=bool(self.endpoints.get(region) or self.endpoints.get("")),
        )
        try:
            server.start()
        except ProcessError as error:
            raise ValueError(f"the restore failed: {error}: {error.log_tail}") from error
        self._restored.append(server)
        self._current[region] = Server(server.host, server.port, first.admin_password_file, first.ca_file)

    def remove(self, instance: dict[str, Any]) -> None:
        """End the server of an instance that is deleted, if it was restored; the region's first server stays."""
        server = self._of_instance.pop(instance["DbiResourceId"], None)
        if server is None or server in self._of_instance.values():
            return
        for restored in [one for one in self._restored if (one.host, one.port) == (server.host, server.port)]:
            self._restored.remove(restored)
            restored.stop()
            if self.at_endpoint(get_region()) == server:
                self._current.pop(get_region())

    def stop(self) -> None:
        """End the restored servers, at once."""
        for server in self._restored:
            server.process.begin_stop()
        for server in self._restored:
            server.stop()

    def _first(self, region: str) -> Server | None:
        return self.first.get(region) or self.first.get("")


def servers_of(
    databases: dict[str, str],
    admin_password_files: dict[str, str],
    ca_files: dict[str, str],
    endpoints: dict[str, str],
    folder: Path,
    is_lost: Callable[[str], bool],
) -> Servers:
    """Read the options of the command line: HOST:PORT and paths by region, "" for any region."""

    def value(values: dict[str, str], region: str) -> str:
        return values.get(region) or values[""]

    first = {
        region: Server(
            *split(address), Path(value(admin_password_files, region)), Path(value(ca_files, region)).resolve()
        )
        for region, address in databases.items()
    }
    return Servers(first, {region: split(address) for region, address in endpoints.items()}, folder, is_lost)


def split(address: str) -> tuple[str, int]:
    """Host and port of HOST:PORT."""
    host, _, port = address.rpartition(":")
    return host, int(port)
