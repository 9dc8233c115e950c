"""The check containers end to end, against ECS and CloudWatch over HTTP."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops_lambdas.containers import handler
from ops_lambdas.shared.settings import InvalidSettingError
from ops_lambdas.shared.tasks import TasksError
from tests.integration.checks.running import Aws, Running
from tests.integration.checks.servers import serving
from tests.integration.checks.variables import AWS

ALARM = "pardon-rehearsal-p3-container-missing-notification"
REFUSED = (400, {"__type": "AccessDeniedException", "message": "no"})


def container(name: str, status: str = "RUNNING", **more: Any) -> dict[str, Any]:
    return {"name": name, "lastStatus": status, "healthStatus": "HEALTHY", **more}


class Ecs:
    """A service whose one task has other containers at each look, the last ones repeated."""

    def __init__(self) -> None:
        self.looks: list[list[dict[str, Any]]] = [[container("web"), container("agent-cz")]]
        self.started = time.time() - 3600
        self.services: list[dict[str, Any]] = [{"desiredCount": 1, "deployments": [{"status": "PRIMARY"}]}]
        self.set_alarm: tuple[int, dict[str, Any]] = (200, {})

    def tasks(self, _parameters: object) -> tuple[int, dict[str, Any]]:
        containers = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        task = {"taskArn": "arn:aws:ecs:us-east-1:000000000000:task/c/t1", "lastStatus": "RUNNING"}
        pending = {**task, "taskArn": f"{task['taskArn']}2", "lastStatus": "PENDING", "containers": []}
        return 200, {"tasks": [{**task, "startedAt": self.started, "containers": containers}, pending]}


@pytest.fixture
def ecs() -> Ecs:
    return Ecs()


@pytest.fixture(autouse=True)
def aws(ecs: Ecs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    answering = Aws(
        {
            "DescribeServices": lambda _: (200, {"services": ecs.services, "failures": []}),
            "ListTasks": lambda _: (200, {"taskArns": ["t1", "t2"]}),
            "DescribeTasks": ecs.tasks,
            "SetAlarmState": lambda _: ecs.set_alarm,
        }
    )
    with serving(answering) as server:
        variables = {
            **AWS,
            "AWS_ENDPOINT_URL": server.url,
            "ENVIRONMENT": "rehearsal",
            "ECS_CLUSTER": "pardon-rehearsal-cluster",
            "ECS_SERVICE": "pardon-rehearsal-service",
            "ALARM_NAME": ALARM,
            "LOG_GROUP": "/ecs/pardon-rehearsal",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(handler, "_PAUSE_SECONDS", 0.01)
        yield answering


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Running:
    return Running(handler, capsys)


def test_with_every_container_running_no_alarm_is_touched(aws: Aws, run: Running) -> None:
    assert run() == {
        "state": "all_running",
        "environment": "rehearsal",
        "desired_tasks": 1,
        "running_tasks": 1,
        "deployments": 1,
        "missing": [],
    }
    assert run.values == {"DesiredTasks": 1, "Deployments": 1, "MissingContainers": 0}
    assert not aws.asked("SetAlarmState")
    assert [log["level"] for log in run.logs] == ["INFO"]


def test_a_missing_container_is_named_with_its_command_and_in_the_alarm(aws: Aws, ecs: Ecs, run: Running) -> None:
    stopped = container("agent-cz", "STOPPED", exitCode=137, reason="OutOfMemoryError")
    ecs.looks = [[container("web"), stopped]]
    result = run()
    assert (result["state"], run.values["MissingContainers"]) == ("missing", 1)
    (missing,) = result["missing"]
    command = missing.pop("last_log_lines")
    assert missing == {"task": "t1", "container": "agent-cz", "why": "STOPPED, exit code 137: OutOfMemoryError"}
    assert "--log-group-name /ecs/pardon-rehearsal --log-stream-name agent-cz/agent-cz/t1 " in command
    assert command.endswith("--region us-east-1")
    (asked,) = aws.asked("SetAlarmState")
    assert (asked["AlarmName"], asked["StateValue"]) == (ALARM, "ALARM")
    assert asked["StateReason"].startswith("Missing: agent-cz in 1 task (STOPPED, exit code 137: OutOfMemoryError)")
    assert asked["StateReason"].endswith(command)


def test_a_container_that_is_restarted_is_not_missing(aws: Aws, ecs: Ecs, run: Running) -> None:
    ecs.looks = [[container("agent-cz", "STOPPED")], [container("agent-cz")]]
    assert run()["state"] == "all_running"
    assert not aws.asked("SetAlarmState")


def test_a_young_task_has_time(ecs: Ecs, run: Running) -> None:
    ecs.started = time.time() - 60
    ecs.looks = [[container("agent-cz", "PENDING")]]
    assert (run()["state"], run.values["MissingContainers"]) == ("all_running", 0)


def test_a_service_at_rest_and_one_that_is_deployed_are_published(ecs: Ecs, run: Running) -> None:
    ecs.services = [{"desiredCount": 0, "deployments": [{}, {}]}]
    run()
    assert (run.values["DesiredTasks"], run.values["Deployments"]) == (0, 2)


def test_the_numbers_are_published_although_the_alarm_cannot_be_set(ecs: Ecs, run: Running) -> None:
    ecs.looks, ecs.set_alarm = [[container("agent-cz", "STOPPED")]], REFUSED
    with pytest.raises(ClientError, match="SetAlarmState"):
        run()
    assert run.values["MissingContainers"] == 1
    assert run.logs[0]["result"]["state"] == "missing"


def test_what_cannot_be_looked_at_is_an_error_and_publishes_nothing(ecs: Ecs, run: Running) -> None:
    ecs.services = []
    with pytest.raises(TasksError, match="there is no service pardon-rehearsal-service in pardon-rehearsal-cluster"):
        run()
    assert run.values == {}


def test_options_are_refused(aws: Aws, run: Running) -> None:
    with pytest.raises(InvalidSettingError, match="no field at all"):
        run({"dry_run": True})
    assert aws.requests == []
