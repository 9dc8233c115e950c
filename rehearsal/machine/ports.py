"""Free ports and free blocks of loopback addresses, so that rehearsals can run in parallel, and beside anything."""

import fcntl
import secrets
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

_ATTEMPTS = 50


def free_port() -> int:
    """Return a port that is free now on every address; another program may take it before the caller does."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return different ports that are free now on every address."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def taken(host: str, port: int) -> str:
    """Return in words that a port is taken, and by which program, as far as this user may see."""
    try:
        users = [
            psutil.Process(one.pid).name()
            for one in psutil.net_connections("tcp")
            if one.pid and one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port
        ]
    except psutil.Error:
        users = []
    return f"port {port} of {host} is taken by {', '.join(sorted(set(users))) or 'another program'}"


@dataclass(frozen=True)
class Ports:
    """Where the application's stand-ins and the database listen: in AWS 5555, 3000, 443 and 5432."""

    coral: int
    web: int
    site: int
    database: int


@dataclass(frozen=True)
class AddressBlock:
    """A block 127.x.y.* that one rehearsal has to itself for as long as it holds the claim, and its ports."""

    prefix: str
    ports: Ports
    claim: IO[bytes]

    def hosts(self, count: int, *, skip: int = 0) -> list[str]:
        """Return addresses for tasks, from 127.x.y.2 on, after the first `skip`."""
        return [f"{self.prefix}.{number}" for number in range(2 + skip, 2 + skip + count)]

    def database_host(self, number: int) -> str:
        """Return the address for a region's database."""
        return f"{self.prefix}.{200 + number}"

    def release(self) -> None:
        """Free the block for other rehearsals."""
        self.claim.close()


def claim_addresses() -> AddressBlock:
    """Claim an unused block of loopback addresses by locking a file that is named after it.

    Raises: OSError when no block is free; macOS configures 127.0.0.1 only and needs aliases.
    """
    last: OSError | None = None
    for _ in range(_ATTEMPTS):
        prefix = f"127.{1 + secrets.randbelow(254)}.{secrets.randbelow(256)}" if sys.platform == "linux" else "127.0.0"
        try:
            with socket.socket() as probe:
                probe.bind((f"{prefix}.2", 0))
            claim = (Path(tempfile.gettempdir()) / f"rehearsal-{prefix}.lock").open("wb")
        except OSError as error:  # the address is not configured, or the file is another user's
            last = error
            continue
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            claim.close()
            last = error
        else:
            return AddressBlock(prefix, Ports(*free_ports(4)), claim)
    raise OSError(
        f"no loopback addresses for the application's tasks ({last}); on macOS add some: "
        "for n in 2 3 4; do sudo ifconfig lo0 alias 127.0.0.$n; done"
    )
