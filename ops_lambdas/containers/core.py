"""Which containers are missing. Values in, values out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

# From a task's start until its agents are healthy: Coral takes a minute, the agents' start script another.
STARTING = timedelta(minutes=8)
MAX_REASON = 1023  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html


@dataclass(frozen=True)
class Container:
    """A container as ECS describes it.

    Attributes:
        status: "RUNNING", "STOPPED", …
        health: "HEALTHY", "UNHEALTHY", or "UNKNOWN" without a health check or before its first outcome.
        exit_code: None while it runs, and when it never did.
        reason: what ECS says, often nothing.
    """

    name: str
    status: str
    health: str = "UNKNOWN"
    exit_code: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class RunningTask:
    """A task that ECS calls running, and since when."""

    id: str
    started: datetime
    containers: tuple[Container, ...]


@dataclass(frozen=True)
class Service:
    """The service as ECS describes it.

    Attributes:
        desired: tasks that it should run.
        deployments: 1 when none is under way.
    """

    desired: int
    deployments: int
    tasks: tuple[RunningTask, ...]


@dataclass(frozen=True)
class Missing:
    """A container that should run and does not; `why` in ECS's words."""

    task: str
    container: str
    why: str


def missing(tasks: Iterable[RunningTask], now: datetime) -> tuple[Missing, ...]:
    """Return the containers that do not run, or run and are unhealthy, of tasks that have had time to start them."""
    return tuple(
        Missing(task.id, one.name, _why(one))
        for task in tasks
        if now - task.started >= STARTING
        for one in task.containers
        if one.status != "RUNNING" or one.health == "UNHEALTHY"
    )


def still_missing(first: Iterable[Missing], second: Iterable[Missing]) -> tuple[Missing, ...]:
    """Return what was missing at both looks: in between ECS may have restarted a container."""
    before = {(one.task, one.container) for one in first}
    return tuple(one for one in second if (one.task, one.container) in before)


def alarm_reason(found: Iterable[Missing], command: str) -> str:
    """Return the reason for the alarm's email: each container once, how many tasks lack it, and why the first does.

    Args:
        command: shows the last log lines of the first.
    """
    by_name: dict[str, list[Missing]] = {}
    for one in found:
        by_name.setdefault(one.container, []).append(one)
    parts = [
        f"{name} in {len(ones)} task{'s' if len(ones) > 1 else ''} ({ones[0].why})" for name, ones in by_name.items()
    ]
    end = f". Last log lines: {command}"
    return f"Missing: {', '.join(parts)}"[: MAX_REASON - len(end)] + end


def _why(one: Container) -> str:
    if one.status == "RUNNING":
        return "runs, but is UNHEALTHY"
    code = "" if one.exit_code is None else f", exit code {one.exit_code}"
    return f"{one.status}{code}{one.reason and ': '}{one.reason}"
