"""Rotation on AWS: Secrets Manager calls it four times for each new version of a secret."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.rotation import core, roles
from ops_lambdas.rotation.settings import Call, Settings, call_from
from ops_lambdas.rotation.versions import RotationError, Versions
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.database import Credentials, writing
from ops_lambdas.shared.login import credentials_of
from ops_lambdas.shared.master import master_login
from ops_lambdas.shared.secret_values import read_secret
from ops_lambdas.shared.settings import InvalidSettingError, from_environment

Secret = Mapping[str, Any]

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, _context: LambdaContext) -> dict[str, Any]:
    """Do a step of a rotation. Each may run again after it was killed anywhere, and at the same time as itself.

    Needs what `Versions` does on the secrets, and to reach the database.

    Raises:
        InvalidSettingError, SecretError, DatabaseError, RotationError, BotoCoreError, ClientError: the step failed.
            Secrets Manager calls it again some times, and the secret keeps its value.
    """
    call, config = call_from(event), from_environment(Settings, os.environ)
    rotation = _rotation(call.secret_id, config)
    versions = Versions(call.secret_id, call.token)
    result = {"state": "done", "step": call.step, "secret": call.secret_id}
    if versions.is_finished() and call.step != "finishSecret":
        result["state"] = "finished before"
    else:
        _do(call, versions, rotation)
    logger.info("Rotated", extra={"result": result})
    return result


@dataclass(frozen=True)
class Rotation:
    """How one secret rotates.

    Attributes:
        make: the next value, from the current one.
        put_in_place, test: the next value, where it is used.
    """

    make: Callable[[Secret], Secret]
    put_in_place: Callable[[Secret], None] = lambda _: None
    test: Callable[[Secret], None] = lambda _: None


def _do(call: Call, versions: Versions, rotation: Rotation) -> None:
    if call.step == "createSecret":
        versions.create(rotation.make)
    elif call.step == "setSecret":
        pending = versions.pending()
        if pending is None:
            raise RotationError(f"version {call.token} of {call.secret_id} has no value, createSecret has not run")
        rotation.put_in_place(pending)
    elif call.step == "testSecret":
        # When Secrets Manager only tries the configuration, the version is empty, or a copy of the current one.
        # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
        pending = versions.pending()
        if pending is not None and pending != versions.current():
            rotation.test(pending)
    else:
        versions.finish()


def _rotation(secret_id: str, config: Settings) -> Rotation:
    """How this secret rotates. The application reads a plain value when a task starts; nothing else knows it."""
    if secret_id == config.url_secret_arn:
        return Rotation(
            make=partial(core.next_url_secret, config.master_user),
            put_in_place=partial(_make_login, config),
            test=lambda pending: roles.check_application(_application(config, pending), config.master_user),
        )
    if secret_id == config.master_secret_arn:
        return Rotation(
            make=partial(_next_master_secret, config),
            put_in_place=partial(_change_master_password, config),
            test=lambda pending: roles.check_login(_master(config, pending)),
        )
    if secret_id in config.value_secret_arns:
        return Rotation(make=partial(core.renewed, "value", core.VALUE_LENGTH))
    allowed = ", ".join((config.url_secret_arn, config.master_secret_arn, *config.value_secret_arns))
    raise InvalidSettingError("SecretId", secret_id, f"one of {allowed}")


def _make_login(config: Settings, pending: Secret) -> None:
    login = _application(config, pending)
    with writing(master_login(config, roles.APPLICATION_NAME), application_name=roles.APPLICATION_NAME) as writer:
        roles.make_login(writer, config.master_user, login.username, login.password)


def _next_master_secret(config: Settings, current: Secret) -> Secret:
    if read_secret(config.url_secret_arn).get("username") == config.master_user:
        raise RotationError(
            f"the application still logs in as {config.master_user}: rotate {config.url_secret_arn} first"
        )
    return core.renewed("password", core.PASSWORD_LENGTH, current)


def _change_master_password(config: Settings, pending: Secret) -> None:
    login, following = master_login(config, roles.APPLICATION_NAME), _master(config, pending)
    if login.password != following.password:
        with writing(login, application_name=roles.APPLICATION_NAME) as writer:
            roles.change_password(writer, config.master_user, following.password)


def _application(config: Settings, pending: Secret) -> Credentials:
    return credentials_of(pending, config.url_secret_arn)


def _master(config: Settings, pending: Secret) -> Credentials:
    place = {"host": config.database_host, "port": config.database_port, "dbname": config.database_name}
    return credentials_of({**place, "username": config.master_user, **pending}, config.master_secret_arn)
