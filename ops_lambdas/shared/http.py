"""Calling HTTP servers: connections are reused, time and size are bounded, errors have kinds."""

import json
import socket
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

# Far above a handshake in a VPC or across the internet; a security group that drops packets is detected after this.
_CONNECT_TIMEOUT_SECONDS = 3
_MAX_BODY_BYTES = 8 * 1024 * 1024
_READ_BYTES = 64 * 1024

Failure = Literal["unreachable", "timeout", "broken", "out_of_time"]


class HttpError(RuntimeError):
    """A call got no whole answer.

    Attributes:
        kind: "unreachable": no connection (refused, unknown host, untrusted certificate, no route);
            "timeout": connected, but no answer in time; "broken": reset, cut off, too large or not HTTP;
            "out_of_time": the time given to the whole client was up.
    """

    def __init__(self, kind: Failure, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class NotJsonError(ValueError):
    """The body of an answer is not JSON."""


@dataclass(frozen=True)
class Answer:
    """A whole answer, with any status."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the body's JSON.

        Raises:
            NotJsonError: it is not JSON; the message has its beginning.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise NotJsonError(f"the body is not JSON, it begins with {self.body[:80]!r}") from None


class HttpClient:
    """Calls HTTP servers; used from several threads at once, in a `with` block that ends all its connections.

    Nothing is retried and no redirect is followed. Certificate and name of HTTPS servers are verified with the
    system's authorities, or those in SSL_CERT_FILE.

    Args:
        seconds: this long after entering the block, calls under way end and others are refused. Nothing else
            stops a server that sends a byte now and then.
        answer_seconds: how long a server may take until its first and each further byte.
        connections: how many to one server are kept for reuse; as many as threads that call it.
    """

    def __init__(self, *, seconds: float, answer_seconds: float = 10, connections: int = 1) -> None:
        self._sockets = _Sockets()
        self._timer = threading.Timer(seconds, self._sockets.end)
        self._timer.daemon = True
        self._pools = urllib3.PoolManager(
            num_pools=100,
            maxsize=connections,
            retries=False,
            timeout=urllib3.Timeout(connect=min(_CONNECT_TIMEOUT_SECONDS, answer_seconds), read=answer_seconds),
        )
        self._pools.pool_classes_by_scheme = {
            "http": _pool_class(urllib3.HTTPConnectionPool, _registering(HTTPConnection, self._sockets)),
            "https": _pool_class(urllib3.HTTPSConnectionPool, _registering(HTTPSConnection, self._sockets)),
        }

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._sockets.end()
        self._pools.clear()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Call once, and return the whole answer, with any status.

        Args:
            url: http:// or https://; what comes from outside must be quoted in it.

        Raises:
            HttpError: there was no whole answer; its kind is why.
        """
        self._refuse_when_over(None)
        try:
            response = self._pools.request(
                method, url, headers=headers, body=body, redirect=False, preload_content=False, decode_content=False
            )
            answer = Answer(response.status, _whole_body(response))
        except (NewConnectionError, ConnectTimeoutError, SSLError, LocationValueError) as error:
            self._refuse_when_over(error)
            raise HttpError("unreachable", str(error)) from error
        except ReadTimeoutError as error:
            self._refuse_when_over(error)
            raise HttpError("timeout", str(error)) from error
        except HTTPError as error:
            self._refuse_when_over(error)
            raise HttpError("broken", str(error)) from error
        # An answer that we cut off ourselves can look whole: its headers end where the connection ends.
        self._refuse_when_over(None)
        return answer

    def _refuse_when_over(self, error: Exception | None) -> None:
        if self._sockets.is_ended:
            raise HttpError("out_of_time", "the time for all calls was up") from error


class _Sockets:
    """The sockets of a client's connections, which can be ended while threads wait on them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Weakly, until nobody reads from them: the connection of an answer that ends with it is closed before
        # the body is read.
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self.is_ended = False

    def add(self, new: socket.socket) -> None:
        with self._lock:
            self._open.add(new)
        if self.is_ended:
            self.end()

    def end(self) -> None:
        with self._lock:
            self.is_ended = True
            for one in self._open:
                with suppress(OSError):  # it has already ended
                    # Not the TLS socket's own method, which removes the TLS layer under a reader.
                    socket.socket.shutdown(one, socket.SHUT_RDWR)


def _registering(base: type[HTTPConnection], sockets: _Sockets) -> type[HTTPConnection]:
    """Return the class of connections that are added to `sockets`."""

    class Connection(base):  # type: ignore[valid-type,misc]
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    return Connection


def _pool_class(base: type[urllib3.HTTPConnectionPool], connection: type[HTTPConnection]) -> Any:
    return type("Pool", (base,), {"ConnectionCls": connection})


def _whole_body(response: urllib3.BaseHTTPResponse) -> bytes:
    parts = []
    size = 0
    # One read of the network at a time: a read of a given size would wait for its last byte.
    while part := response.read1(_READ_BYTES):
        size += len(part)
        if size > _MAX_BODY_BYTES:
            response.close()  # with its connection, which has the rest
            raise HttpError("broken", f"the answer has more than {_MAX_BODY_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)
