"""Calling HTTP servers: connections are reused, time and size are bounded, errors have kinds."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
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

from ops_lambdas.shared.bounds import cut
from ops_lambdas.shared.connecting import clear_openssl_errors, connected

# Far above a handshake in a VPC or across the internet; a security group that drops packets is detected after this.
_CONNECT_TIMEOUT_SECONDS = 3
_MAX_BODY_BYTES = 8 * 1024 * 1024
_READ_BYTES = 64 * 1024
_MAX_MESSAGE = 300  # characters of an error, which may have what the server sent

# How often calls are looked at whose time may be up.
_TICK_SECONDS = 0.05

Failure = Literal["unreachable", "timeout", "broken", "out_of_time", "late"]


class HttpError(RuntimeError):
    """A call got no whole answer.

    Attributes:
        kind: "unreachable": no connection (refused, unknown host, untrusted certificate, no route);
            "timeout": connected, but no whole answer in time; "broken": reset, cut off, too large or not HTTP;
            "out_of_time": the time given to the whole client was up; "late": when the connection was ready, the
            request might not be sent any more, and was not.
    """

    def __init__(self, kind: Failure, message: str) -> None:
        super().__init__(cut(message, _MAX_MESSAGE))
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
        seconds: this long after entering the block, calls under way end and others are refused.
        answer_seconds: how long a call may take in all, from the look-up of the name to the answer's last byte.
        connections: how many to one server are kept for reuse; as many as threads that call it.
    """

    def __init__(self, *, seconds: float, answer_seconds: float = 10, connections: int = 1) -> None:
        self._seconds = seconds
        self._answer_seconds = answer_seconds
        self._calls = _Calls()
        self._pools = urllib3.PoolManager(
            num_pools=100,
            maxsize=connections,
            retries=False,
            timeout=urllib3.Timeout(connect=answer_seconds, read=answer_seconds),
        )
        self._pools.pool_classes_by_scheme = {
            "http": _pool_class(urllib3.HTTPConnectionPool, _timed(HTTPConnection, self._calls)),
            "https": _pool_class(urllib3.HTTPSConnectionPool, _timed(HTTPSConnection, self._calls)),
        }

    def __enter__(self) -> Self:
        self._calls.watch(self._seconds)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.end()
        self._pools.clear()
        clear_openssl_errors()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        may_send: Callable[[], bool] | None = None,
    ) -> Answer:
        """Call once, and return the whole answer, with any status.

        Args:
            url: http:// or https://; what comes from outside must be quoted in it.
            may_send: asked when the connection is ready, right before the request is sent.

        Raises:
            HttpError: there was no whole answer; its kind is why.
        """
        if self._calls.is_ended:
            raise HttpError("out_of_time", "the time for all calls was up")
        with self._calls.call(self._answer_seconds, may_send) as call:
            try:
                response = self._pools.request(
                    method, url, headers=headers, body=body, redirect=False, preload_content=False, decode_content=False
                )
                answer = Answer(response.status, _whole_body(response))
            except _LateError as error:
                raise HttpError("late", "the connection was not ready in time") from error
            except (NewConnectionError, ConnectTimeoutError, SSLError, LocationValueError) as error:
                raise self._failure(call, "unreachable", error) from error
            except ReadTimeoutError as error:
                raise self._failure(call, "timeout", error) from error
            except HTTPError as error:
                raise self._failure(call, "broken", error) from error
        # An answer that we cut off ourselves can look whole: its headers end where the connection ends.
        if call.is_cut:
            raise self._failure(call, "timeout", None)
        return answer

    def _failure(self, call: "_Call", kind: Failure, error: Exception | None) -> HttpError:
        clear_openssl_errors()
        if self._calls.is_ended:
            return HttpError("out_of_time", "the time for all calls was up")
        if call.is_cut and kind != "unreachable":
            return HttpError("timeout", f"no whole answer in {self._answer_seconds:g} seconds")
        return HttpError(kind, str(error))


class _LateError(Exception):
    """The request might not be sent any more."""


@dataclass(eq=False)
class _Call:
    """A call under way: its end, whether it may still be sent, and the sockets that it waits on."""

    until: float
    may_send: Callable[[], bool] | None
    sockets: list[socket.socket] = field(default_factory=list)
    is_cut: bool = False


class _Calls:
    """The calls of a client that are under way. Those whose time is up are cut off, wherever they wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: set[_Call] = set()
        self._here = threading.local()
        self._is_over = threading.Event()

    @property
    def is_ended(self) -> bool:
        return self._is_over.is_set()

    @property
    def here(self) -> _Call:
        """This thread's call."""
        call: _Call = self._here.call
        return call

    @contextmanager
    def call(self, seconds: float, may_send: Callable[[], bool] | None) -> Iterator[_Call]:
        call = self._here.call = _Call(time.monotonic() + seconds, may_send)
        with self._lock:
            self._under_way.add(call)
        try:
            yield call
        finally:
            with self._lock:
                self._under_way.discard(call)

    def watch(self, seconds: float) -> None:
        """Cut off calls from now on, and after this time all."""
        until = time.monotonic() + seconds

        def look() -> None:
            while not self._is_over.wait(max(min(_TICK_SECONDS, until - time.monotonic()), 0)):
                now = time.monotonic()
                if now >= until:
                    self.end()
                else:
                    self._cut(now)

        threading.Thread(target=look, daemon=True).start()

    def end(self) -> None:
        self._is_over.set()
        self._cut(float("inf"))

    def _cut(self, now: float) -> None:
        with self._lock:
            for call in self._under_way:
                if call.until <= now:
                    call.is_cut = True
                    for one in list(call.sockets):
                        with suppress(OSError):  # it has already ended
                            # Not the TLS socket's own method, which removes the TLS layer under a reader.
                            socket.socket.shutdown(one, socket.SHUT_RDWR)


def _timed(base: type[HTTPConnection], calls: _Calls) -> type[HTTPConnection]:
    """Return the class of connections whose calls are among `calls`."""

    class Connection(base):  # type: ignore[valid-type,misc]
        def _new_conn(self) -> socket.socket:
            until = min(calls.here.until, time.monotonic() + _CONNECT_TIMEOUT_SECONDS)
            try:
                new = connected(self._dns_host, self.port, until=until)
            except TimeoutError as error:
                raise ConnectTimeoutError(self, str(error)) from error
            except OSError as error:
                raise NewConnectionError(self, str(error)) from error
            new.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            new.settimeout(self.timeout)
            # A handshake that drips waits on a TLS socket that nobody else has yet, of this same connection.
            self._same.append(new.dup())
            calls.here.sockets += self._same
            return new

        def connect(self) -> None:
            self._same: list[socket.socket] = []
            try:
                super().connect()
            finally:
                for one in self._same:
                    calls.here.sockets.remove(one)
                    one.close()
            calls.here.sockets.append(self.sock)

        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()
            call = calls.here
            if self.sock not in call.sockets:
                call.sockets.append(self.sock)
            if call.may_send and not call.may_send():
                raise _LateError
            super().send(data)

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
