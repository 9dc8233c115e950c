"""Rotation on AWS: Secrets Manager calls it four times for each new version of a secret."""

import os
from collections.abc import Callable, Mapping
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
    rotation = _rotation(call, config)
    versions = Versions(call.secret_id, call.token)
    result = {"state": "done", "step": call.step, "secret": call.secret_id}
    if versions.is_finished() and call.step != "finishSecret":
        result["state"] = "finished before"
    else:
        _do(call, versions, *rotation)
    logger.info("Rotated", extra={"result": result})
    return result


Make = Callable[[Secret], Secret]
Use = Callable[[Secret], None]


def _do(call: Call, versions: Versions, make: Make, put_in_place: Use, test: Use) -> None:
    if call.step == "createSecret":
        versions.create(make)
        return
    if call.step == "finishSecret":
        versions.finish()
        return
    pending = versions.pending()
    if pending is None and call.step == "setSecret":
        raise RotationError(f"version {call.token} of {call.secret_id} has no value, createSecret has not run")
    # When Secrets Manager only tries the configuration, the version is empty, or a copy of the current one.
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    if pending is not None and (call.step == "setSecret" or pending != versions.current()):
        (put_in_place if call.step == "setSecret" else test)(pending)


def _rotation(call: Call, config: Settings) -> tuple[Make, Use, Use]:
    """Return what makes the next value of a secret, puts it in place, and tests it."""
    if call.secret_id == config.url_secret_arn:
        return (
            partial(core.next_url_secret, config.master_user),
            partial(_make_login, config),
            lambda pending: roles.check_application(_application(config, pending), config.master_user),
        )
    if call.secret_id == config.master_secret_arn:
        return (
            partial(_next_master_secret, config),
            partial(_change_master_password, config),
            lambda pending: roles.check_login(_master(config, pending)),
        )
    if call.secret_id in config.value_secret_arns:
        return core.next_with("value", core.VALUE_LENGTH), _nothing, _nothing
    allowed = ", ".join((config.url_secret_arn, config.master_secret_arn, *config.value_secret_arns))
    raise InvalidSettingError("SecretId", call.secret_id, f"one of {allowed}")


def _make_login(config: Settings, pending: Secret) -> None:
    login = _application(config, pending)
    with writing(master_login(config, roles.APPLICATION_NAME), application_name=roles.APPLICATION_NAME) as writer:
        roles.make_login(writer, config.master_user, login.username, login.password)


def _next_master_secret(config: Settings, current: Secret) -> Secret:
    if read_secret(config.url_secret_arn).get("username") == config.master_user:
        raise RotationError(
            f"the application still logs in as {config.master_user}: rotate {config.url_secret_arn} first"
        )
    return core.next_with("password", core.PASSWORD_LENGTH)(current)


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


def _nothing(_pending: Secret) -> None:
    """The application reads such a value when a task starts; there is nothing else that knows it."""
