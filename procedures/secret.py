"""Give a secret another value: `make secret ENV=production NAME=openai-api-key`.

The value is typed twice without echo, or read from a pipe; nothing shows it. Tasks read secrets when they start.
"""

import argparse
import getpass
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from application import SECRETS
from config import environment
from environment import Environment
from procedures.terminal import Terminal
from validation import ConfigurationError

_NO_SERVICE = ("ClusterNotFoundException", "ServiceNotFoundException", "ServiceNotActiveException")
_CLIENT = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4})


class SecretValueError(Exception):
    """There is no value that can be kept. The message is for the operator."""


def typed_value() -> str:
    """The value that is typed twice on the terminal, or piped in, without the line break at its end.

    Quotes, backslashes, blanks and line breaks in it are kept.

    Raises:
        SecretValueError: it is empty, or the two differ.
    """
    if sys.stdin.isatty():
        value = getpass.getpass("Value: ")
        if value != getpass.getpass("Again: "):
            raise SecretValueError("The two values differ; nothing was changed")
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value.strip():
        raise SecretValueError("The value is empty; nothing was changed")
    return value


def put(chosen: Environment, name: str, value: str) -> None:
    """Make `value` the current version of the secret, as JSON.

    Raises:
        SecretValueError: there is no such secret in AWS, or it is being deleted.
        BotoCoreError, ClientError: AWS cannot be reached, or refuses.
    """
    with _usable(chosen, name) as secret:
        client(chosen, "secretsmanager").put_secret_value(SecretId=secret, SecretString=json.dumps({"value": value}))


def current(chosen: Environment, name: str) -> str | None:
    """Return the secret's current value; "" when a person has to fill it, None when no task can read it.

    Raises:
        SecretValueError: as `put`.
        BotoCoreError, ClientError: as `put`.
    """
    with _usable(chosen, name) as secret:
        kept = client(chosen, "secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    try:
        value = json.loads(kept)["value"]
    except (ValueError, LookupError, TypeError):  # it was put by other means, without the key
        return None
    return value if isinstance(value, str) else None


@contextmanager
def _usable(chosen: Environment, name: str) -> Iterator[str]:
    secret = chosen.names.secret(name)
    try:
        yield secret
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFoundException", "InvalidRequestException"):
            raise
        layer = chosen.names.stack("secrets")
        text = f"{secret} cannot be filled: {error.response['Error']['Message']}"
        raise SecretValueError(f"{text} Is {layer} deployed in {chosen.region}?") from error


def readers(chosen: Environment, name: str) -> tuple[str, ...]:
    """Names of the containers that read the secret when their task starts."""
    return tuple(one.name for one in chosen.containers if name in one.secrets.values())


def replace_tasks(chosen: Environment, console: Console, errors: Console) -> int:
    """Replace the service's tasks, a few at a time, and say so; 0, or 1 when ECS was not told to."""
    names = chosen.names
    try:
        client(chosen, "ecs").update_service(cluster=names.cluster, service=names.service, forceNewDeployment=True)
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in _NO_SERVICE:
            console.print("There is no service yet; its tasks will read the new values.")
            return 0
        errors.print(f"The tasks were not replaced: {error}. Later: {restart_command(chosen)}", style="red")
        return 1
    console.print("ECS replaces the tasks.")
    return 0


def restart_command(chosen: Environment) -> str:
    """The command that does the same."""
    names = chosen.names
    command = f"aws ecs update-service --region {chosen.region} --cluster {names.cluster} --service {names.service}"
    return f"{command} --force-new-deployment"


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and the value; 0, 1 when nothing was changed, 2 for a bad command line."""
    parser = argparse.ArgumentParser(prog="make secret", description=__doc__)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region")
    parser.add_argument("--name", required=True)
    arguments = parser.parse_args(argv)
    console, errors = Terminal(soft_wrap=True), Terminal(stderr=True, soft_wrap=True)
    try:
        chosen = environment(arguments.environment, region=arguments.region)
        _require_known(arguments.name)
        secret, read_by = chosen.names.secret(arguments.name), ", ".join(readers(chosen, arguments.name))
        console.print(f"{secret} is read when a task starts, by {read_by or 'no container'}.")
        put(chosen, arguments.name, typed_value())
    except (BotoCoreError, ClientError, ConfigurationError, SecretValueError) as error:
        errors.print(str(error), style="red")
        return 1
    console.print(f"{secret} has its new value.")
    return _offer_restart(chosen, console, errors) if read_by else 0


def _require_known(name: str) -> None:
    known = [one.name for one in SECRETS]
    if name not in known:
        raise ConfigurationError(f"NAME must be one of {', '.join(known)}, got {name!r}")


def _offer_restart(chosen: Environment, console: Console, errors: Console) -> int:
    if not sys.stdin.isatty():
        console.print(f"To restart the tasks: {restart_command(chosen)}")
        return 0
    if input("Replace the tasks now, without an interruption? [yes/no] ").strip().lower() not in ("y", "yes"):
        console.print(f"Later: {restart_command(chosen)}")
        return 0
    return replace_tasks(chosen, console, errors)


def client(chosen: Environment, service: str) -> Any:
    """A client of an AWS service in the environment's region."""
    return boto3.client(service, region_name=chosen.region, config=_CLIENT)


if __name__ == "__main__":
    sys.exit(main())
