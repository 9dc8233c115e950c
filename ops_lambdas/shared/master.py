"""Logging in as the database's master user, also while its password is rotated."""

from contextlib import suppress

from ops_lambdas.shared.database import DatabaseError, reading
from ops_lambdas.shared.login import Credentials
from ops_lambdas.shared.secret_values import CURRENT, PENDING, SecretError, read_secret
from ops_lambdas.shared.settings import MasterSettings


def master_login(config: MasterSettings, application_name: str) -> Credentials:
    """Return the master's login that PostgreSQL accepts: in a rotation the next password, from some moment on.

    It acts as itself, not as the owner of the application's objects. Needs `secretsmanager:GetSecretValue` on its
    secret, and `kms:Decrypt` with its key.

    Raises:
        SecretError: the secret cannot be read, or has no password.
        DatabaseError: in a rotation, PostgreSQL accepts neither password.
    """
    current = _login(config, CURRENT)
    following = current
    with suppress(SecretError):  # there is no such version outside of a rotation
        following = _login(config, PENDING)
    if following == current:
        return current
    with suppress(DatabaseError):
        _try(current, application_name)
        return current
    _try(following, application_name)
    return following


def _login(config: MasterSettings, stage: str) -> Credentials:
    secret = read_secret(config.master_secret_arn, stage)
    password = secret.get("password")
    if not isinstance(password, str) or not password:
        raise SecretError(f"secret {config.master_secret_arn} has no password")
    return Credentials(
        host=config.database_host,
        port=config.database_port,
        database=config.database_name,
        username=config.master_user,
        password=password,
        acts_as_itself=True,
    )


def _try(login: Credentials, application_name: str) -> None:
    with reading(login, application_name=application_name):
        pass
