"""Which containers are missing, at the bounds, and the reason in the alarm's email."""

from datetime import UTC, datetime, timedelta

import pytest

from ops_lambdas.containers.core import (
    MAX_REASON,
    STARTING,
    Container,
    Missing,
    RunningTask,
    Service,
    alarm_reason,
    missing,
    still_missing,
)
from ops_lambdas.containers.report import publish_service

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WEB = Container("web", "RUNNING", "HEALTHY")

# In AWS: when it runs in production.
SCHEDULES = {"containers": "rate(1 minute)"}


def publish_every_metric(environment: str) -> None:
    """Publish every metric of the check, for the tests of alarms and dashboard."""
    publish_service(environment, Service(3, 1, ()), 0)


def task(*containers: Container, age: timedelta = STARTING) -> RunningTask:
    return RunningTask("task", NOW - age, containers)


@pytest.mark.parametrize(
    ("container", "why"),
    [
        (WEB, None),
        (Container("agent-cz", "RUNNING"), None),  # no outcome of its health check yet
        (Container("agent-cz", "RUNNING", "UNHEALTHY"), "runs, but is UNHEALTHY"),
        (Container("agent-cz", "STOPPED", exit_code=1), "STOPPED, exit code 1"),
        (Container("agent-cz", "STOPPED", "UNHEALTHY", 137, "OutOfMemoryError"), "STOPPED, exit code 137: OutOfMemory"),
        (Container("agent-cz", "PENDING"), "PENDING"),
    ],
)
def test_a_container_that_does_not_run_or_is_unhealthy_is_missing(container: Container, why: str | None) -> None:
    found = missing([task(WEB, container)], NOW)
    assert [one.container for one in found] == ([] if why is None else ["agent-cz"])
    assert all(one.why.startswith(str(why)) for one in found)


def test_a_task_has_time_to_start_its_containers() -> None:
    stopped = Container("agent-cz", "STOPPED")
    assert missing([task(stopped, age=STARTING - timedelta(seconds=1))], NOW) == ()
    assert len(missing([task(stopped, age=STARTING)], NOW)) == 1


def test_what_has_been_restarted_in_between_is_not_missing() -> None:
    first = [Missing("a", "agent-cz", "STOPPED"), Missing("b", "agent-cz", "STOPPED")]
    second = [Missing("b", "agent-cz", "STOPPED, exit code 1"), Missing("b", "web", "PENDING")]
    assert still_missing(first, second) == (second[0],)


def test_the_reason_names_each_container_once_with_the_command() -> None:
    found = [Missing("a", "agent-cz", "STOPPED, exit code 1"), Missing("b", "agent-cz", "PENDING")]
    found += [Missing("b", "agent-sbf", "runs, but is UNHEALTHY")]
    assert alarm_reason(found, "aws logs") == (
        "Missing: agent-cz in 2 tasks (STOPPED, exit code 1), agent-sbf in 1 task (runs, but is UNHEALTHY). "
        "Last log lines: aws logs"
    )
    many = alarm_reason([Missing("a", f"agent-{number}", "x" * 100) for number in range(20)], "aws logs")
    assert len(many) == MAX_REASON
    assert many.endswith(". Last log lines: aws logs")
