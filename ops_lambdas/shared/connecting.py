"""Connecting by TCP before a moment, whatever the name server and a name's addresses do."""

import ipaddress
import queue
import socket
import threading
import time
from typing import Any


def connected(host: str, port: int, *, until: float) -> socket.socket:
    """Connect to the first of the host's addresses that accepts.

    Each address gets an equal share of the time, so that dead ones leave some to the others.

    Args:
        until: a moment of `time.monotonic`.

    Raises:
        TimeoutError: the name server or all addresses took too long.
        OSError: the name is unknown, or no address accepts.
    """
    addresses = _addresses(host, port, until)
    error: OSError = TimeoutError(f"no connection to {host}:{port} in time")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        seconds = until - time.monotonic()
        if seconds <= 0:
            break
        new = socket.socket(family, kind, protocol)
        try:
            new.settimeout(seconds / (len(addresses) - number))
            new.connect(address)
        except OSError as failure:
            new.close()
            error = failure
        else:
            return new
    raise error


def _addresses(host: str, port: int, until: float) -> list[tuple[Any, ...]]:
    """Look the name up. The library's look-up has no timeout, so it runs in a thread that is left behind."""
    if _is_address(host):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    answers: queue.SimpleQueue[list[tuple[Any, ...]] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            answers.put(error)
        except UnicodeError as error:
            answers.put(OSError(f"{host!r:.80} is not a host name: {error}"))

    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=max(until - time.monotonic(), 0))
    except queue.Empty:
        raise TimeoutError(f"the name server did not answer for {host} in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
