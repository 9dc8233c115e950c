"""Logging in to a restored instance, whose passwords are those of the day of its backup."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from ops_lambdas.restore_test import access
from ops_lambdas.restore_test.core import RESTORED_PREFIX
from ops_lambdas.shared.database import DatabaseError, reading
from ops_lambdas.shared.login import Credentials

APPLICATION_NAME = "restore_test"
# What RDS does with a new password, it does within a minute or two.
_TRY_SECONDS, _PAUSE_SECONDS = 180.0, 5.0


class RestoredError(RuntimeError):
    """The restored instance cannot be logged in to; the message says why."""


def log_in(identifier: str, database: str, *, until: float) -> Credentials:
    """Give the master user a new password, and return the login once PostgreSQL accepts it.

    A run beside this one may have set another password meanwhile: then a new one is set.

    Args:
        identifier: of an instance that AWS Backup restored for a test. Others are refused, before anything is changed.
        until: a moment of `time.monotonic`.

    Raises:
        RestoredError: it is no such instance, or does not accept the password in time.
        BotoCoreError, ClientError: RDS cannot be reached, or refuses.
    """
    if not identifier.startswith(RESTORED_PREFIX):
        raise RestoredError(f"{identifier or 'no instance'} must have a name that begins with {RESTORED_PREFIX}")
    problem = "it was not available in time"
    while time.monotonic() < until:
        password = secrets.token_urlsafe(30)
        described = _available(identifier, until)
        if described is None:
            break
        access.set_password(identifier, password)
        login = _login(described, database, password)
        try_until = min(until, time.monotonic() + _TRY_SECONDS)
        while time.monotonic() < try_until:
            time.sleep(_PAUSE_SECONDS)
            try:
                with reading(login, application_name=APPLICATION_NAME, seconds=30):
                    return login
            except DatabaseError as error:  # not yet, or never
                problem = str(error)
    raise RestoredError(f"{identifier} cannot be logged in to: {problem}")


def _available(identifier: str, until: float) -> Mapping[str, Any] | None:
    """Wait until the instance can be changed and has an address; None when it cannot in time."""
    while time.monotonic() < until:
        described = access.instance(identifier)
        if described["DBInstanceStatus"] == "available" and described.get("Endpoint", {}).get("Address"):
            return described
        time.sleep(_PAUSE_SECONDS)
    return None


def _login(described: Mapping[str, Any], database: str, password: str) -> Credentials:
    return Credentials(
        host=described["Endpoint"]["Address"],
        port=described["Endpoint"]["Port"],
        database=database,
        username=described["MasterUsername"],
        password=password,
        acts_as_itself=True,  # whatever a rotation had it act as
    )
