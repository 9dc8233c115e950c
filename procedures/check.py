"""Run a deployed check now and show what it found: `make check CHECK=pool_health ENV=production`."""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from config import environment
from names import CHECKS, Names
from procedures.terminal import Terminal
from validation import ConfigurationError

# A check may take as long as a Lambda may; a retried call would run it twice.
CLIENT = Config(read_timeout=900, connect_timeout=5, retries={"total_max_attempts": 1})


class CheckError(Exception):
    """The check could not be run, or failed. The message is for the operator."""


def run(check: str, names: Names, region: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Invoke the function of `check` with `event` and return its result.

    Raises:
        CheckError: it cannot be reached, or it failed; with its error.
    """
    function = names.check(check)
    client = boto3.client("lambda", region_name=region, config=CLIENT)
    try:
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    except (BotoCoreError, ClientError) as error:
        raise CheckError(f"{function} in {region} cannot be invoked: {error}") from error
    payload = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        kind, message = payload.get("errorType", answer["FunctionError"]), payload.get("errorMessage", "no message")
        raise CheckError(
            f"{check} failed with {kind}: {message}\nIts log: aws logs tail {names.check_log_group(check)}"
        )
    if not isinstance(payload, dict):
        raise CheckError(f"{check} answered {payload!r}, must be a JSON object")
    return payload


def tables(check: str, result: Mapping[str, Any]) -> list[Table]:
    """The result's plain values in one table, and a table for each list of objects in it."""
    plain = Table("", "", title=check, show_header=False, title_justify="left")
    listed: list[Table] = []
    for name, value in result.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            table = Table(*(_words(key) for key in value[0]), title=_words(name), title_justify="left")
            for item in value:
                table.add_row(*(_cell(item.get(key)) for key in value[0]))
            listed.append(table)
        elif isinstance(value, dict):
            for key, inner in value.items():
                plain.add_row(f"{_words(name)}: {_words(key)}", _cell(inner))
        else:
            plain.add_row(_words(name), _cell(value))
    return [plain, *listed]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value)


def main() -> int:
    """Read the command line, run the check, print tables; 0, 1 when it failed, 2 for a bad command line."""
    parser = argparse.ArgumentParser(prog="make check", description=__doc__)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region")
    parser.add_argument("--event", default="{}", help='options of the check, e.g. {"dry_run": true}')
    arguments = parser.parse_args()
    errors = Terminal(stderr=True)
    try:
        event = json.loads(arguments.event)
        chosen = environment(arguments.environment, region=arguments.region)
        with errors.status(f"{chosen.names.check(arguments.check)} in {chosen.region} ..."):
            result = run(arguments.check, chosen.names, chosen.region, event)
    except json.JSONDecodeError as error:
        errors.print(f"--event must be JSON, got {arguments.event!r}: {error}", style="red")
        return 2
    except (CheckError, ConfigurationError) as error:
        errors.print(str(error), style="red")
        return 1
    console = Terminal()
    for table in tables(arguments.check, result):
        console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
