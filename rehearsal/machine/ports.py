"""Free ports and free blocks of loopback addresses, so that rehearsals can run in parallel."""

import secrets
import socket
import sys
from dataclasses import dataclass

from application import CORAL_PORT

_ATTEMPTS = 50


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that is free now; another program may take it before the caller does."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(frozen=True)
class AddressBlock:
    """A block 127.x.y.* that one rehearsal has to itself for as long as it holds the claim."""

    prefix: str
    claim: socket.socket

    def hosts(self, count: int, *, skip: int = 0) -> list[str]:
        """Return addresses for tasks, from 127.x.y.2 on (.1 is the claim's), after the first `skip`."""
        return [f"{self.prefix}.{number}" for number in range(2 + skip, 2 + skip + count)]

    def database_host(self, number: int) -> str:
        """Return the address for a region's database, so that each has PostgreSQL's own port."""
        return f"{self.prefix}.{200 + number}"

    def release(self) -> None:
        """Free the block for other rehearsals."""
        self.claim.close()


def claim_addresses() -> AddressBlock:
    """Claim an unused block of loopback addresses by listening on its first one.

    Raises: OSError when no block is free; macOS configures 127.0.0.1 only and needs aliases.
    """
    for _ in range(_ATTEMPTS):
        prefix = f"127.{1 + secrets.randbelow(254)}.{secrets.randbelow(256)}" if sys.platform == "linux" else "127.0.0"
        claim = socket.socket()
        try:
            with socket.socket() as probe:
                probe.bind((f"{prefix}.2", CORAL_PORT))
            claim.bind((f"{prefix}.1", CORAL_PORT))
            claim.listen()
        except OSError as error:
            claim.close()
            last = error
        else:
            return AddressBlock(prefix, claim)
    raise OSError(
        f"no loopback addresses for the application's tasks ({last}); on macOS add some: "
        "for n in 2 3 4; do sudo ifconfig lo0 alias 127.0.0.$n; done"
    )
