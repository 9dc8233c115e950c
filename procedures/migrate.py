"""Run the deployed version's migrations now, and follow their log: `make migrate ENV=production`."""

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from config import environment
from environment import Environment
from procedures.terminal import Terminal
from validation import ConfigurationError

CLIENT = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4})
PAUSE_SECONDS = 2.0
# What an operator reads for each state of the state machine; the others pass at once.
STATES = {
    "Pending": "Looking for pending migrations",
    "Snapshot": "Making a snapshot first",
    "Migrate": "Running prisma migrate deploy",
    "DatabaseRole": "Giving the checks access to new tables",
}


def follow(chosen: Environment, console: Console, pause_seconds: float = PAUSE_SECONDS) -> int:
    """Start the state machine, print its states and its tasks' log lines as they come, and return the exit code.

    Raises:
        BotoCoreError, ClientError: AWS cannot be reached, or refuses.
    """
    states, logs = (boto3.client(name, region_name=chosen.region, config=CLIENT) for name in ("stepfunctions", "logs"))
    arn = f"arn:aws:states:{chosen.region}:{chosen.account}:stateMachine:{chosen.names.migration}"
    since = datetime.now(UTC)
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    shown: set[Any] = set()
    while True:
        found = states.describe_execution(executionArn=execution)
        for name in _entered(states, execution):
            if name in STATES and name not in shown:
                shown.add(name)
                console.print(f"{STATES[name]} ...")
        for event_id, line in _log(logs, chosen, since):
            if event_id not in shown:
                shown.add(event_id)
                console.print(f"  {line}", soft_wrap=True)
        if found["status"] != "RUNNING":
            break
        time.sleep(pause_seconds)
    if found["status"] == "SUCCEEDED":
        console.print("Nothing is pending any more.")
        return 0
    console.print(f"{found['status']}: {found.get('cause', 'no cause')}", style="red", soft_wrap=True)
    return 1


def _entered(states: Any, execution: str) -> list[str]:
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    events = [event for page in pages for event in page["events"]]
    return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]


def _log(logs: Any, chosen: Environment, since: datetime) -> Iterator[tuple[str, str]]:
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=chosen.names.migration_log_groups["tasks"], startTime=round(since.timestamp() * 1000)
    )
    for page in pages:
        for event in page["events"]:
            yield event["eventId"], event["message"]


def main() -> int:
    """Read the command line and migrate; 0, 1 when it failed, 2 for a bad command line."""
    parser = argparse.ArgumentParser(prog="make migrate", description=__doc__)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region")
    arguments = parser.parse_args()
    errors = Terminal(stderr=True)
    try:
        return follow(environment(arguments.environment, region=arguments.region), Terminal())
    except (BotoCoreError, ClientError, ConfigurationError) as error:
        errors.print(str(error), style="red")
        return 1


if __name__ == "__main__":
    sys.exit(main())
