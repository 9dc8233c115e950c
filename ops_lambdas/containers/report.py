"""Containers' result and metrics."""

from collections.abc import Sequence
from typing import Literal, TypedDict

from ops_lambdas.containers.core import Missing, Service
from ops_lambdas.shared.metrics import Metric, publish


class MissingContainer(TypedDict):
    """A container that does not run; `last_log_lines` is the command that shows them."""

    task: str
    container: str
    why: str
    last_log_lines: str


class ContainersResult(TypedDict):
    """The check's result.

    Attributes:
        desired_tasks, running_tasks: of the service.
        deployments: 1 when none is under way.
    """

    state: Literal["all_running", "missing"]
    environment: str
    desired_tasks: int
    running_tasks: int
    deployments: int
    missing: list[MissingContainer]


def result(environment: str, service: Service, missing: Sequence[tuple[Missing, str]]) -> ContainersResult:
    """Return the check's result; each missing container comes with its command."""
    return {
        "state": "missing" if missing else "all_running",
        "environment": environment,
        "desired_tasks": service.desired,
        "running_tasks": len(service.tasks),
        "deployments": service.deployments,
        "missing": [
            {"task": one.task, "container": one.container, "why": one.why, "last_log_lines": command}
            for one, command in missing
        ],
    }


def publish_service(environment: str, service: Service, missing: int) -> None:
    """Publish what ECS wants and does, and how many containers are missing."""
    publish(
        {"Environment": environment},
        Metric("DesiredTasks", service.desired),
        Metric("Deployments", service.deployments),
        Metric("MissingContainers", missing),
    )
