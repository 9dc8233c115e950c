"""One-off ECS tasks: RunTask outside of a service runs a program in place of each container's image.

MiniStack's tasks are records that never end. Here they end, with exit codes and a log, as Fargate's do. The containers
of a task run one after the other, each after those that it depends on, in the folder of the volume that they share.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id, get_region, now_iso, request_scope
from ministack.services import cloudwatch_logs, ecs, secretsmanager, sts

from rehearsal import ROOT

Task = dict[str, Any]

_SECONDS = 600
_FAILED_TO_START = "ResourceInitializationError"
AUTHORITIES = "DATABASE_CA"  # a container's variable: RDS's authorities, in whose place are the run's


@dataclass(frozen=True)
class Machine:
    """What the programs run with.

    Attributes:
        program: runs a container; image, entry point and command are appended.
        ca_files: of the authorities that the databases' certificates are verified with, by region; "" is any.
        folder: the volumes of tasks are below it.
        endpoint: where the programs find AWS.
    """

    program: Sequence[str]
    ca_files: Mapping[str, str]
    folder: Path
    endpoint: str

    @property
    def ca_file(self) -> str:
        """Of the region at hand."""
        return self.ca_files.get(get_region()) or self.ca_files.get("", "")


def register(machine: Machine) -> None:
    """Run each one-off task's containers to their end; without a program they never end, as in MiniStack."""
    if not machine.program:
        return
    run_task = ecs._run_task

    def run_one_off(data: dict[str, Any]) -> Any:
        response = run_task(data)
        tasks = json.loads(response[2]).get("tasks", ()) if response[0] < 400 else ()
        if not str(data.get("group", "")).startswith("service:"):
            for task in tasks:
                arguments = (ecs._tasks[task["taskArn"]], machine, get_account_id(), get_region())
                threading.Thread(target=run_to_its_end, args=arguments, daemon=True).start()
        return response

    ecs._run_task = run_one_off
    ecs._ACTION_MAP["RunTask"] = run_one_off


def run_to_its_end(task: Task, machine: Machine, account: str, region: str) -> None:
    """Run the task's containers, write their logs, and stop the task."""
    with request_scope(account, region):
        definition = ecs._task_defs[task["taskDefinitionArn"].rpartition("/")[2]]
        containers = definition["containerDefinitions"]
        try:
            variables = {one["name"]: variables_of(one, task, definition, machine) for one in containers}
            streams = {one["name"]: log_stream(one, task) for one in containers}
        except LookupError as error:
            stop(task, f"{_FAILED_TO_START}: {error}", "TaskFailedToStart", {})
            return
    folder = machine.folder / task["taskArn"].rpartition("/")[2]
    codes: dict[str, int] = {}
    reason, code = "Essential container in task exited", "EssentialContainerExited"
    for container in containers:
        failed = [one for one in container.get("dependsOn", ()) if codes[one["containerName"]] != 0]
        if failed:
            # How ECS words it, no page says.
            reason = f"container {container['name']} cannot start: {failed[0]['containerName']} has not succeeded"
            code = "TaskFailedToStart"
            break
        ended = run(container, task, machine, folder, variables[container["name"]])
        codes[container["name"]] = ended.returncode
        with request_scope(account, region):
            write_log(*streams[container["name"]], ended.stdout.splitlines())
    with request_scope(account, region):
        stop(task, reason, code, codes)


def run(
    container: Task, task: Task, machine: Machine, folder: Path, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the program in place of a container, in the volume that its working directory is in."""
    command = override_of(container, task).get("command") or container.get("command", [])
    place = container.get("workingDirectory")
    mounts = {one["containerPath"]: folder / one["sourceVolume"] for one in container.get("mountPoints", ())}
    working = mounts[place] if place else ROOT
    for mount in mounts.values():
        mount.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [*machine.program, container["image"], *container.get("entryPoint", []), *command],
        env=dict(variables),
        cwd=working,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def variables_of(container: Task, task: Task, definition: Task, machine: Machine) -> dict[str, str]:
    """The program's environment: the machine's, the task role's credentials, and the container's own.

    Raises:
        LookupError: a secret does not exist.
    """
    own = {one["name"]: one["value"] for one in container.get("environment", ())}
    own |= {one["name"]: one["value"] for one in override_of(container, task).get("environment", ())}
    own |= {one["name"]: secret_value(one["valueFrom"]) for one in container.get("secrets", ())}
    if AUTHORITIES in own:
        own[AUTHORITIES] = Path(machine.ca_file).read_text()
    inherited = ("PATH", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "AWS_EC2_METADATA_DISABLED")
    return {
        **{name: os.environ[name] for name in inherited if name in os.environ},
        "PYTHONPATH": str(ROOT),
        "PGSSLROOTCERT": machine.ca_file,
        "AWS_ENDPOINT_URL": machine.endpoint,
        "AWS_REGION": get_region(),
        "AWS_DEFAULT_REGION": get_region(),
        **role_credentials(definition.get("taskRoleArn", ""), task),
        **own,
    }


def override_of(container: Task, task: Task) -> Task:
    """What RunTask overrides of a container."""
    overrides: list[Task] = task["overrides"].get("containerOverrides", [])
    return next((one for one in overrides if one["name"] == container["name"]), {})


def role_credentials(role: str, task: Task) -> dict[str, str]:
    """Temporary credentials of the task's role, which its policies limit; none without a role."""
    if not role:
        return {}
    id_, name = task["taskArn"].rpartition("/")[2], role.rpartition("/")[2]
    hexadecimal = id_.replace("-", "")
    key, secret, token = f"ASIA{hexadecimal[:16].upper()}", f"secret{hexadecimal}", f"token{hexadecimal}"
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{name}/{id_}",
            "UserId": f"{name}:{id_}",
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


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
    """Create the container's log stream; return its group's name and its own.

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


def stop(task: Task, reason: str, code: str, exit_codes: Mapping[str, int]) -> None:
    """Record that the task has ended, with the exit codes of the containers that were started."""
    for container in task["containers"]:
        exit_code = exit_codes.get(container["name"])
        container |= {"lastStatus": "STOPPED"} | ({} if exit_code is None else {"exitCode": exit_code})
    ended = {"stoppedReason": reason, "stopCode": code, "stoppedAt": now_iso(), "desiredStatus": "STOPPED"}
    task |= {**ended, "stoppingAt": task["startedAt"], "lastStatus": "STOPPED"}
