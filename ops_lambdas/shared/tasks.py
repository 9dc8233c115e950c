"""The running tasks of a service on ECS, and their addresses."""

import ipaddress
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from ops_lambdas.shared.aws_errors import AWS_ERRORS
from ops_lambdas.shared.connecting import in_time

# For all calls together; beyond, ECS is not there.
_SECONDS = 30.0
_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "max_attempts": 3})


class TasksError(RuntimeError):
    """The service's tasks could not be listed."""


@dataclass(frozen=True)
class Task:
    """A running task: the last part of its ARN, and its IPv4 address."""

    id: str
    address: str


@dataclass(frozen=True)
class Tasks:
    """The tasks that a service wants to run.

    Attributes:
        running: they run and have an address.
        starting: ids of those that do not run yet, or no longer.
        without_address: ids of those that run and show no address, e.g. because their network mode is not awsvpc.
        gone: ids of those that ended between the two calls.
    """

    running: tuple[Task, ...]
    starting: tuple[str, ...] = ()
    without_address: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def service_tasks(cluster: str, service: str, *, seconds: float = _SECONDS) -> Tasks:
    """Find the service's tasks, as ECS knows them now. Needs and raises what `described_tasks` does.

    Args:
        seconds: after this, no answer counts as a failure.
    """
    try:
        return in_time(lambda: _sorted_out(*described_tasks(cluster, service)), min(seconds, _SECONDS))
    except TimeoutError as error:
        raise TasksError(f"tasks of {service} in {cluster} cannot be listed: {error}") from error


def described_service(cluster: str, service: str) -> dict[str, Any]:
    """Describe the service; needs `ecs:DescribeServices`.

    Raises:
        TasksError: ECS could not be reached, refused, or does not know the service.
    """
    try:
        answer = boto3.client("ecs", config=_CONFIG).describe_services(cluster=cluster, services=[service])
    except AWS_ERRORS as error:
        raise TasksError(f"{service} in {cluster} cannot be described: {error}") from error
    if not answer.get("services"):
        raise TasksError(f"there is no service {service} in {cluster}")
    found: dict[str, Any] = answer["services"][0]
    return found


def described_tasks(cluster: str, service: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Describe the tasks that the service wants to run; also return the ids of those that ended between the two calls.

    Needs `ecs:ListTasks` and `ecs:DescribeTasks`.

    Raises:
        TasksError: ECS could not be reached, refused, or does not know the service.
    """
    described: list[dict[str, Any]] = []
    gone: list[str] = []
    try:
        client = boto3.client("ecs", config=_CONFIG)
        # A page has at most 100 tasks, which is what one call describes.
        pages = client.get_paginator("list_tasks").paginate(
            cluster=cluster, serviceName=service, desiredStatus="RUNNING"
        )
        for page in pages:
            if not page.get("taskArns"):
                continue
            answer = client.describe_tasks(cluster=cluster, tasks=page["taskArns"])
            described += [one for one in answer.get("tasks", []) if one.get("taskArn")]
            gone += [task_id(failure.get("arn", "")) for failure in answer.get("failures", [])]
    except AWS_ERRORS as error:
        raise TasksError(f"tasks of {service} in {cluster} cannot be listed: {error}") from error
    return described, gone


def _sorted_out(described: list[dict[str, Any]], gone: list[str]) -> Tasks:
    running: list[Task] = []
    starting: list[str] = []
    without_address: list[str] = []
    for task in described:
        id_ = task_id(task["taskArn"])
        address = _address(task)
        if task.get("lastStatus") != "RUNNING":
            starting.append(id_)
        elif address is None:
            without_address.append(id_)
        else:
            running.append(Task(id_, address))
    return Tasks(tuple(running), tuple(starting), tuple(without_address), tuple(gone))


def task_id(arn: str) -> str:
    """Return the last part of a task's ARN."""
    return arn.rpartition("/")[2]


def _address(task: dict[str, Any]) -> str | None:
    """Return the IPv4 address of the task's network interface, if it shows one."""
    for attachment in task.get("attachments", []):
        for detail in attachment.get("details", []):
            if detail.get("name") == "privateIPv4Address":
                try:
                    return str(ipaddress.IPv4Address(detail.get("value", "")))
                except ValueError:
                    return None
    return None
