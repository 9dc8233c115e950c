"""Real HTTP servers on loopback that misbehave.

    with serving(hangs) as server: ...        with serving(answers(401)) as server: ...

A behaviour is a function of a connection that holds one whole request; afterwards the connection is closed.
"""

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_MAX_SECONDS = 30  # no behaviour lasts longer, even if the test forgets to end it


@dataclass
class Request:
    """What came in: the request line's method and target as sent, headers in lower case, and the body."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Exchange:
    """One request and the connection to answer on."""

    connection: socket.socket
    request: Request
    is_over: threading.Event

    def send(self, content: bytes) -> None:
        """Send, though the other side may have hung up."""
        with suppress(OSError):
            self.connection.sendall(content)

    def pause(self, seconds: float) -> bool:
        """Wait; False when the server ends or the other side hangs up first."""
        deadline = time.monotonic() + min(seconds, _MAX_SECONDS)
        while time.monotonic() < deadline:
            if self.is_over.wait(0.01) or self._is_hung_up():
                return False
        return True

    def _is_hung_up(self) -> bool:
        self.connection.settimeout(0.001)
        try:
            return self.connection.recv(1) == b""
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        finally:
            with suppress(OSError):
                self.connection.settimeout(_MAX_SECONDS)


Behaviour = Callable[[Exchange], None]


def hangs(exchange: Exchange) -> None:
    """Read the request and never answer."""
    exchange.pause(_MAX_SECONDS)


def resets(exchange: Exchange) -> None:
    """Reset the connection instead of answering."""
    # With this, closing sends RST instead of FIN.
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closes(_exchange: Exchange) -> None:
    """Close the connection instead of answering."""


def answers(status: int, body: Any = None, *, content_type: str = "application/json") -> Behaviour:
    """Answer with a status and a body: bytes as they are, all else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(exchange: Exchange) -> None:
        exchange.send(_head(status, len(content), content_type) + content)

    return answer


def answers_after(seconds: float, behaviour: Behaviour) -> Behaviour:
    """Behave like another after a time."""

    def answer(exchange: Exchange) -> None:
        if exchange.pause(seconds):
            behaviour(exchange)

    return answer


def sends_half(body: Any = "a body that is cut off") -> Behaviour:
    """Announce a body, send half of it and close."""
    content = json.dumps(body).encode()

    def answer(exchange: Exchange) -> None:
        exchange.send(_head(200, len(content), "application/json") + content[: len(content) // 2])

    return answer


def drips(*, every_seconds: float = 0.02, in_headers: bool = False) -> Behaviour:
    """Send a byte now and then without an end, in the body or already in the headers."""

    def answer(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nX-Long: " if in_headers else _head(200, 1_000_000, "application/json"))
        while exchange.pause(every_seconds):
            exchange.send(b"a" if in_headers else b" ")

    return answer


def floods(exchange: Exchange) -> None:
    """Send a body without an end."""
    exchange.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[")
    with suppress(OSError):
        while not exchange.is_over.is_set():
            exchange.connection.sendall(b'"x",' * 16384)


def is_not_http(exchange: Exchange) -> None:
    """Answer in another protocol."""
    exchange.send(b"SSH-2.0-OpenSSH_9.9\r\n")


def redirects_to(url: str) -> Behaviour:
    """Answer that it is elsewhere."""

    def answer(exchange: Exchange) -> None:
        exchange.send(
            f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )

    return answer


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behave differently from request to request; the last behaviour is repeated."""
    left = list(behaviours)

    def answer(exchange: Exchange) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(exchange)

    return answer


@dataclass
class Server:
    """A server on loopback; `requests` are those that came in whole."""

    host: str
    port: int
    scheme: str
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address without a slash at the end."""
        return f"{self.scheme}://{self.host}:{self.port}"


@contextmanager
def serving(
    behaviour: Behaviour, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """Serve with this behaviour, each connection in its own thread; over TLS with a server's context."""
    is_over = threading.Event()
    with socket.create_server((host, port), backlog=128) as listener:
        server = Server(host, listener.getsockname()[1], "https" if tls else "http")

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=serve, args=[connection], daemon=True).start()

        def serve(plain: socket.socket) -> None:
            plain.settimeout(_MAX_SECONDS)
            with suppress(OSError), tls.wrap_socket(plain, server_side=True) if tls else plain as connection:
                if request := _read(connection):
                    server.requests.append(request)
                    behaviour(Exchange(connection, request, is_over))

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server
        finally:
            is_over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts


def unreachable(host: str = "127.0.0.1") -> Server:
    """Return an address with a port on which nothing listens."""
    with socket.create_server((host, 0)) as listener:
        return Server(host, listener.getsockname()[1], "http")


def _head(status: int, length: int, content_type: str) -> bytes:
    lines = (f"HTTP/1.1 {status} Status", f"Content-Type: {content_type}", f"Content-Length: {length}")
    return "\r\n".join((*lines, "Connection: close", "", "")).encode()


def _read(connection: socket.socket) -> Request | None:
    """Return the request, or None when the other side hangs up before it is whole."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return None
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        part = connection.recv(65536)
        if not part:
            return None
        body += part
    method, target, _ = first.split(" ")
    return Request(method, target, headers, body)
