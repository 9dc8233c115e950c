"""Free ports and free blocks of loopback addresses, so that rehearsals run beside each other."""

import socket


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on now; whoever takes it must cope with losing the race for it."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port
