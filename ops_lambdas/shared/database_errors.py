"""What can go wrong with the database, in words that name where and why."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from pg8000 import native
from scramp import ScramException

from ops_lambdas.shared.bounds import cut
from ops_lambdas.shared.login import Credentials

_MAX_MESSAGE = 500  # characters of the server's message

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


class LockHeldError(RuntimeError):
    """Somebody has held a check's lock for longer than any run takes; names who."""


@contextmanager
def translated_errors(credentials: Credentials) -> Iterator[None]:
    where = f"database {credentials.database} at {credentials.host}:{credentials.port}"
    hints = _HINTS if credentials.kind == "password" else _HINTS | _TOKEN_HINTS
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        roots = os.environ.get("PGSSLROOTCERT") or "rds-ca-bundle.pem"
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
