"""Start a state machine that runs tasks, and follow its states and its tasks' log until it ends."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config

from environment import Environment
from ops_lambdas.migration.core import stopped_task

CLIENT = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4})
PAUSE_SECONDS = 2.0
_PAUSES_FOR_LAST_LINES, _MOST_PAUSES_FOR_LINES = 2, 15  # CloudWatch shows them some seconds after the task has ended

Show = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A state machine and what is shown of it.

    Attributes:
        log_group: of its tasks.
        states: what an operator reads for a state; the others pass at once.
    """

    name: str
    log_group: str
    states: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How an execution ended.

    Attributes:
        output: JSON; "" when it failed.
        reason: why it failed, e.g. "FAILED: Essential container in task exited; exit code 1"; "" when it succeeded.
    """

    output: str
    reason: str
    seconds: float


def follow(
    chosen: Environment,
    machine: Machine,
    input_: str,
    show: Show,
    *,
    has_all_lines: Callable[[], bool] = lambda: True,
    pause_seconds: float = PAUSE_SECONDS,
) -> Ended:
    """Start the state machine, show its states and its tasks' log lines as they come, and return how it ended.

    Args:
        has_all_lines: of one that succeeded; half a minute later at most it is returned without them.

    Raises:
        BotoCoreError, ClientError: AWS cannot be reached, or refuses.
    """
    states, logs = (boto3.client(name, region_name=chosen.region, config=CLIENT) for name in ("stepfunctions", "logs"))
    arn = f"arn:aws:states:{chosen.region}:{chosen.account}:stateMachine:{machine.name}"
    since = datetime.now(UTC)
    execution = states.start_execution(stateMachineArn=arn, input=input_)["executionArn"]
    shown: set[Any] = set()
    pauses = 0  # after its end
    while True:
        found = states.describe_execution(executionArn=execution)
        for name in _entered(states, execution):
            if name in machine.states and name not in shown:
                shown.add(name)
                show(f"{machine.states[name]} ...")
        for event_id, line in _log(logs, machine.log_group, since):
            if event_id not in shown:
                shown.add(event_id)
                show(f"  {line}")
        if found["status"] != "RUNNING":
            pauses += 1
            is_shown = found["status"] != "SUCCEEDED" or has_all_lines()
            if pauses > (_PAUSES_FOR_LAST_LINES if is_shown else _MOST_PAUSES_FOR_LINES):
                break
        time.sleep(pause_seconds)
    return Ended(
        output=found.get("output", ""),
        reason="" if found["status"] == "SUCCEEDED" else _reason(found),
        seconds=(found["stopDate"] - found["startDate"]).total_seconds(),
    )


def _reason(execution: Mapping[str, Any]) -> str:
    error = {"Error": execution.get("error", "no error"), "Cause": execution.get("cause", "")}
    return f"{execution['status']}: {stopped_task(error).reason}"


def _entered(states: Any, execution: str) -> list[str]:
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    events = [event for page in pages for event in page["events"]]
    return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]


def _log(logs: Any, group: str, since: datetime) -> Iterator[tuple[str, str]]:
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, startTime=round(since.timestamp() * 1000)
    )
    for page in pages:
        for event in page["events"]:
            yield event["eventId"], event["message"]
