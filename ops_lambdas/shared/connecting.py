"""Waiting no longer than there is time: for a name server, for a name's addresses, and for any other call."""

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")


def in_time(call: Callable[[], Result], seconds: float) -> Result:
    """Return what a call returns, or raise what it raises; it is left behind when that takes too long.

    For calls without a timeout of their own as a whole: look-ups of names, and AWS's clients with their retries.

    Raises:
        TimeoutError: it took longer.
    """
    outcomes: queue.SimpleQueue[tuple[Result | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcomes.put((call(), None))
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            outcomes.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = outcomes.get(timeout=max(seconds, 0))
    except queue.Empty:
        raise TimeoutError(f"no answer within {max(seconds, 0):.0f} seconds") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


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
    def look_up() -> list[tuple[Any, ...]]:
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise OSError(f"{host!r:.80} is not a host name: {error}") from error

    if _is_address(host):
        return look_up()
    try:
        return in_time(look_up, until - time.monotonic())
    except TimeoutError:
        raise TimeoutError(f"the name server did not answer for {host} in time") from None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def clear_openssl_errors() -> None:
    """Empty this thread's queue of OpenSSL errors, so that a lost connection's error is not raised by the next one's.

    Python does not clear it before it reads, and OpenSSL 3.4 and newer leave a broken pipe in it. A handshake without a
    peer, which ends where it would wait, does.
    https://github.com/python/cpython/issues/148594
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with suppress(ssl.SSLError):
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost").do_handshake()
