"""Finding a service's tasks through ECS."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config

from ops_lambdas.shared import tasks as shared_tasks
from ops_lambdas.shared.tasks import Task, Tasks, TasksError, service_tasks
from tests.integration.checks import servers
from tests.integration.checks.ecs import Ecs, task
from tests.integration.checks.servers import serving


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ecs]:
    one = Ecs()
    variables = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "NO_PROXY": "127.0.0.1"}
    with serving(one) as server:
        for name, value in {**variables, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL_ECS": server.url}.items():
            monkeypatch.setenv(name, value)
        yield one


def test_all_pages_are_asked_for_and_described_in_batches(ecs: Ecs) -> None:
    ecs.tasks = [task(f"t-{number}", f"10.0.{number // 250}.{number % 250}") for number in range(430)]
    tasks = service_tasks("the-cluster", "the-service")
    assert tasks.running[429] == Task("t-429", "10.0.1.179")
    assert len(set(tasks.running)) == 430
    assert [action for action, _ in ecs.calls] == ["ListTasks", "DescribeTasks"] * 5
    listed = {"cluster": "the-cluster", "serviceName": "the-service", "desiredStatus": "RUNNING"}
    assert ecs.calls[0][1] == listed
    assert ecs.calls[2][1] == {**listed, "nextToken": "100"}
    assert (ecs.calls[9][1]["cluster"], len(ecs.calls[9][1]["tasks"])) == ("the-cluster", 30)


@pytest.mark.parametrize("address", [None, "", "fd00::1", "10.0.0", "10.0.0.1:80", "evil.example.com"])
def test_a_task_without_an_ipv4_address_is_named(ecs: Ecs, address: str | None) -> None:
    ecs.tasks = [task("well", "10.0.0.1"), task("odd", address)]
    assert service_tasks("c", "s") == Tasks(running=(Task("well", "10.0.0.1"),), without_address=("odd",))


def test_a_task_without_attachments_is_named(ecs: Ecs) -> None:
    bare: dict[str, Any] = {"taskArn": "arn:aws:ecs:us-east-1:000000000000:task/c/bare", "lastStatus": "RUNNING"}
    ecs.tasks = [bare]
    assert service_tasks("c", "s").without_address == ("bare",)


def test_tasks_that_do_not_run_yet_or_are_gone_are_listed_apart(ecs: Ecs) -> None:
    ecs.tasks = [task("starts", None, status="PENDING"), task("stops", "10.0.0.9", status="DEPROVISIONING")]
    ecs.gone = ["gone"]
    assert service_tasks("c", "s") == Tasks(running=(), starting=("starts", "stops"), gone=("gone",))


def test_a_service_without_tasks_is_not_described(ecs: Ecs) -> None:
    assert service_tasks("c", "s") == Tasks(running=())
    assert [action for action, _ in ecs.calls] == ["ListTasks"]


@pytest.mark.parametrize("code", ["ClusterNotFoundException", "ServiceNotFoundException", "AccessDeniedException"])
def test_an_ecs_that_refuses_is_an_error(ecs: Ecs, code: str) -> None:
    ecs.error = code
    with pytest.raises(TasksError, match=f"tasks of s in c cannot be listed: .*{code}"):
        service_tasks("c", "s")


@pytest.mark.usefixtures("ecs")
def test_an_ecs_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", servers.unreachable().url)
    monkeypatch.setattr(shared_tasks, "_CONFIG", Config(retries={"total_max_attempts": 1}))
    with pytest.raises(TasksError, match="Could not connect"):
        service_tasks("c", "s")
