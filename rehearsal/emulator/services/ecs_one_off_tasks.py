"""One-off ECS tasks: RunTask outside of a service runs a program in place of the container's image.

MiniStack's tasks are records that never end. Here they end, with an exit code and a log, as Fargate's do.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ministack.core.responses import get_account_id, get_region, now_iso, request_scope
from ministack.services import cloudwatch_logs, ecs, secretsmanager

Task = dict[str, Any]

_SECONDS = 600
_FAILED_TO_START = "ResourceInitializationError"


def register(program: Sequence[str], ca_files: Mapping[str, str]) -> None:
    """Run `program IMAGE COMMAND...` with the container's environment and secrets, for each one-off task.

    Args:
        program: none: one-off tasks never end, as in MiniStack.
        ca_files: by region, for the program's connections to the database, in PGSSLROOTCERT.
    """
    if not program:
        return
    run_task = ecs._run_task

    def run_one_off(data: dict[str, Any]) -> Any:
        response = run_task(data)
        tasks = json.loads(response[2]).get("tasks", ()) if response[0] < 400 else ()
        if not str(data.get("group", "")).startswith("service:"):
            ca_file = ca_files.get(get_region()) or ca_files.get("", "")
            for task in tasks:
                arguments = (ecs._tasks[task["taskArn"]], program, ca_file, get_account_id(), get_region())
                threading.Thread(target=run_to_its_end, args=arguments, daemon=True).start()
        return response

    ecs._run_task = run_one_off
    ecs._ACTION_MAP["RunTask"] = run_one_off


def run_to_its_end(task: Task, program: Sequence[str], ca_file: str, account: str, region: str) -> None:
    """Run the task's one container, write its log, and stop the task."""
    with request_scope(account, region):
        (container,) = ecs._task_defs[task["taskDefinitionArn"].rpartition("/")[2]]["containerDefinitions"]
        overrides = {one["name"]: one for one in task["overrides"].get("containerOverrides", ())}
        command = overrides.get(container["name"], {}).get("command") or container.get("command", [])
        try:
            variables = {one["name"]: one["value"] for one in container.get("environment", ())}
            variables |= {one["name"]: secret_value(one["valueFrom"]) for one in container.get("secrets", ())}
            stream = log_stream(container, task)
        except LookupError as error:
            stop(task, f"{_FAILED_TO_START}: {error}", "TaskFailedToStart", None)
            return
    ended = subprocess.run(
        [*program, container["image"], *command],
        env={"PATH": os.environ["PATH"], "PGSSLROOTCERT": ca_file, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    with request_scope(account, region):
        write_log(*stream, ended.stdout.splitlines())
        stop(task, "Essential container in task exited", "EssentialContainerExited", ended.returncode)


def secret_value(value_from: str) -> str:
    """The JSON key of a secret that `ARN:KEY::` names.

    Raises:
        LookupError: there is no such secret, or no such key in it.
    """
    parts = value_from.split(":")
    arn, key = ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""
    _, secret = secretsmanager._resolve(arn)
    if secret is None:
        raise LookupError(f"unable to pull secrets: {arn} was not found")
    current = next(one for one in secret["Versions"].values() if "AWSCURRENT" in one["Stages"])
    return str(json.loads(current["SecretString"])[key]) if key else str(current["SecretString"])


def log_stream(container: Task, task: Task) -> tuple[str, str]:
    """Create the task's log stream; return its group's name and its own.

    Raises:
        LookupError: the log group does not exist.
    """
    options = container["logConfiguration"]["options"]
    group = options["awslogs-group"]
    if group not in cloudwatch_logs._log_groups:
        raise LookupError(f"failed to validate logger args: the log group {group} does not exist")
    stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{task['taskArn'].rpartition('/')[2]}"
    cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    return group, stream


def write_log(group: str, stream: str, lines: Sequence[str]) -> None:
    now = round(time.time() * 1000)
    events = [{"timestamp": now, "message": line} for line in lines if line]
    if events:
        cloudwatch_logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": events})


def stop(task: Task, reason: str, code: str, exit_code: int | None) -> None:
    """Record that the task has ended."""
    (container,) = task["containers"]
    container |= {"lastStatus": "STOPPED"} | ({} if exit_code is None else {"exitCode": exit_code})
    ended = {"stoppedReason": reason, "stopCode": code, "stoppedAt": now_iso(), "desiredStatus": "STOPPED"}
    task |= {**ended, "stoppingAt": task["startedAt"], "lastStatus": "STOPPED"}
