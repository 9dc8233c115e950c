"""Reading and writing the database, in transactions and one run of a check at a time."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pg8000 import native

from ops_lambdas.shared.bounds import cut
from ops_lambdas.shared.database_connection import connection_to, milliseconds, understood
from ops_lambdas.shared.database_errors import DatabaseError, LockHeldError, TablesMissingError
from ops_lambdas.shared.lock import LOCK_SPACE, lock_key
from ops_lambdas.shared.login import Credentials, TokenError, iam_login, read_credentials
from ops_lambdas.shared.secret_values import SecretError

__all__ = [
    "Credentials",
    "DatabaseError",
    "LockHeldError",
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

# Longer than any run of a check: Lambda ends one after 15 minutes, the server a lost connection 90 seconds later.
_MAX_RUN_MINUTES = 20
# Lambda's own limit.
_MAX_SECONDS = 900.0
_HOLDERS = """
SELECT pid, usename::text, application_name, host(client_addr),
       floor(extract(epoch FROM now() - backend_start) / 60)::int
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 2
  AND classid::bigint = :space AND objid::bigint = (CAST(:check AS bigint) + 4294967296) % 4294967296
  AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND backend_start < now() - make_interval(mins => :most)
"""


class Reader:
    """Runs statements; those of `reading` in one read-only transaction, which sees the database at one moment."""

    def __init__(self, connection: native.Connection) -> None:
        self._connection = connection
        self._has_lock = False

    def rows(self, sql: str, **parameters: Any) -> list[list[Any]]:
        """Return the rows of a query; `:name` in it is the parameter of that name."""
        with understood():
            return list(self._connection.run(sql, **parameters) or [])

    def try_lock(self, check: str) -> bool:
        """Take the check's lock until the block of `reading` or `writing` ends; False when another run holds it.

        Raises:
            LockHeldError: it is held by a connection that is older than any run.
        """
        lock = {"space": LOCK_SPACE, "check": lock_key(check)}
        ((is_taken,),) = self.rows("SELECT pg_try_advisory_lock(:space, :check)", **lock)
        if not is_taken:
            for pid, name, application, address, minutes in self.rows(_HOLDERS, **lock, most=_MAX_RUN_MINUTES):
                raise LockHeldError(
                    f"the lock of {check} is held by {name} with {cut(application or 'an unnamed client', 64)} from "
                    f"{address or 'the server itself'}, connected for {minutes} minutes. If that is forgotten: "
                    f"SELECT pg_terminate_backend({pid})"
                )
            return False
        self._has_lock = True
        return True

    def unlock(self) -> None:
        """Give back the locks. The server does so by itself, but only some time after the client has disconnected."""
        if self._has_lock:
            with suppress(native.Error, OSError):  # what was done with the lock is done
                self.rows("SELECT pg_advisory_unlock_all()")


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
    credentials: Credentials,
    *,
    application_name: str,
    statement_timeout_seconds: float = 10,
    seconds: float = _MAX_SECONDS,
) -> Iterator[Reader]:
    """Connect, and read in one transaction that cannot write; always close the connection.

    Args:
        application_name: what pg_stat_activity shows.
        statement_timeout_seconds: after this the server cancels a statement.
        seconds: after this the connection ends, whatever it is doing.

    Raises:
        TablesMissingError: a query named a table that does not exist.
        DatabaseError: any other reason why the database could not be reached or queried.
    """
    session = {"default_transaction_read_only": "on"}
    with connection_to(credentials, application_name, session, statement_timeout_seconds, seconds) as connection:
        reader = Reader(connection)
        reader.rows("START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield reader
        reader.unlock()


@contextmanager
def writing(
    credentials: Credentials,
    *,
    application_name: str,
    statement_timeout_seconds: float = 10,
    lock_timeout_seconds: float = 2,
    seconds: float = _MAX_SECONDS,
) -> Iterator[Writer]:
    """Connect, to write in short transactions; always close the connection.

    Args:
        application_name: what pg_stat_activity shows.
        statement_timeout_seconds: after this the server cancels a statement. It also ends a transaction that
            is idle for as long, so that nothing stays locked when the function is frozen.
        lock_timeout_seconds: how long a statement waits for a lock. A migration waits for us, and everybody else
            waits for the migration, so it must not be delayed.
        seconds: after this the connection ends, whatever it is doing.

    Raises: as `reading`.
    """
    session = {
        "lock_timeout": milliseconds(lock_timeout_seconds),
        "idle_in_transaction_session_timeout": milliseconds(statement_timeout_seconds),
    }
    with connection_to(credentials, application_name, session, statement_timeout_seconds, seconds) as connection:
        writer = Writer(connection)
        yield writer
        writer.unlock()
