"""The endpoint of a region's DB instances: what RDS puts in front of PostgreSQL to accept IAM tokens.

It serves TLS with PostgreSQL's own certificate and forwards everything over verified TLS: passwords stay
between client and PostgreSQL (SCRAM, channel binding included). It asks a member of rds_iam for a token, as
RDS does. When IAM accepts the token, the endpoint presents its own certificate to PostgreSQL, which accepts
nothing else from members. A plain connection stays plain all the way, and PostgreSQL refuses it.
"""

import logging
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import ClassVar

from rehearsal.postgresql.configuration import IAM_CLIENT

Refusal = Callable[[str, str], str]  # token and role: why it is refused, or ""
NeedsToken = Callable[[str], bool]  # role

CANCEL_REQUEST, SSL_REQUEST, GSS_REQUEST = 80877102, 80877103, 80877104
CLEARTEXT_PASSWORD = struct.pack("!cii", b"R", 8, 3)
MAX_LOGIN_BYTES = 100_000  # of a message before the login; PostgreSQL's own limit for a password is 65,535
LOGIN_SECONDS = 60  # PostgreSQL's authentication_timeout

log = logging.getLogger("rehearsal.endpoint")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where it listens, the server behind it, and the decisions about tokens.

    Args:
        address: of the endpoint. server: asked for that of PostgreSQL, once for each connection.
        certificates: folder of ca.pem, server.pem and rds-iam.pem, each with its key beside it.
    """

    address: tuple[str, int]
    server: Callable[[], tuple[str, int]]
    certificates: Path
    needs_token: NeedsToken
    refusal: Refusal

    def serve(self) -> None:
        """Listen, and answer each client in its own thread, while this process lives.

        Raises:
            OSError: the address is taken.
        """
        handler = type("Client", (Client,), {"endpoint": self, "own_tls": self.server_context()})
        server = Server(self.address, handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates / "server.pem", self.certificates / "server-key.pem")
        return context

    def connect(self, *, is_encrypted: bool, is_certified: bool = False) -> socket.socket:
        """Connect to PostgreSQL: plain, over verified TLS, or also with the endpoint's certificate."""
        host, port = self.server()
        server = socket.create_connection((host, port), timeout=LOGIN_SECONDS)
        if not is_encrypted:
            return server
        context = ssl.create_default_context(cafile=self.certificates / "ca.pem")
        if is_certified:
            chain, key = (self.certificates / f"{IAM_CLIENT}{suffix}.pem" for suffix in ("", "-key"))
            context.load_cert_chain(chain, key)
        server.sendall(struct.pack("!ii", 8, SSL_REQUEST))
        if receive(server, 1) != b"S":
            raise ConnectionError("PostgreSQL does not offer TLS")
        return context.wrap_socket(server, server_hostname=host)


class Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class Client(BaseRequestHandler):
    """A connection from its first byte to its last."""

    endpoint: ClassVar[Endpoint]
    own_tls: ClassVar[ssl.SSLContext]

    def handle(self) -> None:
        """Log the client in, then pass on what either side sends."""
        try:
            self.request.settimeout(LOGIN_SECONDS)
            server = self.log_in()
            if server:
                with server:
                    relay(self.request, server)
        except (OSError, ValueError) as error:  # a lost connection, or another protocol
            log.info("connection from %s ended: %s", self.client_address, error)
        finally:
            self.request.close()

    def log_in(self) -> socket.socket | None:
        """The connection to PostgreSQL, with its login begun or, with a token, allowed; None when refused."""
        packet, code = startup_packet(self.request)
        while code in (SSL_REQUEST, GSS_REQUEST):
            self.request.sendall(b"S" if code == SSL_REQUEST else b"N")
            if code == SSL_REQUEST:
                self.request = self.own_tls.wrap_socket(self.request, server_side=True)
            packet, code = startup_packet(self.request)
        is_encrypted = isinstance(self.request, ssl.SSLSocket)
        user = parameters(packet).get("user", "") if is_encrypted and code != CANCEL_REQUEST else ""
        is_certified = bool(user) and self.endpoint.needs_token(user)
        if is_certified and not self.is_token_accepted(user):
            return None
        server = self.endpoint.connect(is_encrypted=is_encrypted, is_certified=is_certified)
        server.sendall(packet)
        return server

    def is_token_accepted(self, user: str) -> bool:
        """Ask for a token, and send the client an error if IAM refuses it."""
        self.request.sendall(CLEARTEXT_PASSWORD)
        token = message(self.request)[5:-1].decode()
        reason = self.endpoint.refusal(token, user)
        if reason:
            log.warning("IAM refuses %s: %s", user, reason)
            self.request.sendall(refused(f'PAM authentication failed for user "{user}"'))
        else:
            log.info("IAM lets %s in", user)
        return not reason


def parameters(packet: bytes) -> dict[str, str]:
    """The parameters of a startup packet."""
    words = packet[8:].decode().split("\0")
    return dict(zip(words[::2], words[1::2], strict=False))


def receive(connection: socket.socket, count: int) -> bytes:
    """Receive exactly `count` bytes."""
    received = b""
    while len(received) < count:
        more = connection.recv(count - len(received))
        if not more:
            raise ConnectionError("the other side closed the connection")
        received += more
    return received


def startup_packet(connection: socket.socket) -> tuple[bytes, int]:
    """The first packet, which has no type, and the protocol or request that it names."""
    head = receive(connection, 8)
    length, code = struct.unpack("!ii", head)
    if not 8 <= length <= MAX_LOGIN_BYTES:
        raise ValueError(f"a startup packet of {length} bytes")
    return head + receive(connection, length - 8), code


def message(connection: socket.socket) -> bytes:
    """A message of the protocol: its type, its length, its content."""
    head = receive(connection, 5)
    length = struct.unpack("!i", head[1:])[0]
    if not 4 <= length <= MAX_LOGIN_BYTES:
        raise ValueError(f"a message of {length} bytes before the login")
    return head + receive(connection, length - 4)


def refused(text: str) -> bytes:
    """PostgreSQL's message of a fatal error: invalid authorization specification."""
    content = b"SFATAL\0VFATAL\0C28000\0M" + text.encode() + b"\0\0"
    return b"E" + struct.pack("!i", len(content) + 4) + content


def relay(client: socket.socket, server: socket.socket) -> None:
    """Pass on what either side sends until one closes."""
    others = {client: server, server: client}
    for connection in others:
        connection.settimeout(None)
    while True:
        buffered = [one for one in others if isinstance(one, ssl.SSLSocket) and one.pending()]
        for one in buffered or select.select(list(others), [], [])[0]:
            data = received(one)
            if data == b"":
                return
            if data:
                others[one].sendall(data)


def received(connection: socket.socket) -> bytes | None:
    """The data that came; b"" at the end, None when it was TLS's own: waiting for more would block the other side."""
    connection.settimeout(0)
    try:
        return connection.recv(65536)
    except (BlockingIOError, ssl.SSLWantReadError):
        return None
    finally:
        connection.settimeout(None)
