"""The check secret_deployment end to end, against Secrets Manager, ECS and CloudWatch over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops_lambdas.secret_deployment import handler
from ops_lambdas.shared.settings import InvalidSettingError
from ops_lambdas.shared.tasks import TasksError
from tests.integration.checks.running import Aws, Running
from tests.integration.checks.servers import serving
from tests.integration.checks.variables import AWS

NOW = datetime.now(UTC)
REFUSED = (400, {"__type": "AccessDeniedException", "message": "no"})


def arn(name: str) -> str:
    return f"arn:aws:secretsmanager:us-east-1:000000000000:secret:pardon-rehearsal/{name}-AbCdEf"


def ago(**time: float) -> float:
    return (NOW - timedelta(**time)).timestamp()


class World:
    """A service deployed an hour ago, and two secrets that are older, one that no task reads."""

    def __init__(self) -> None:
        self.deployments: list[dict[str, Any]] = [
            {"status": "PRIMARY", "createdAt": ago(hours=1), "rolloutState": "COMPLETED"}
        ]
        self.touched = {"cron-secret": ago(days=9), "database-url": ago(days=9), "database-password": ago(minutes=30)}
        self.versions = dict(self.touched)
        self.rotated: dict[str, float] = {}
        self.outage = "OK"
        self.updated: tuple[int, dict[str, Any]] = (200, {"service": {}})

    def secrets(self, parameters: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert parameters["Filters"] == [{"Key": "name", "Values": ["pardon-rehearsal/"]}]
        names = sorted(self.touched)
        page = int(parameters.get("NextToken", 0))
        name = names[page]
        listed = {"ARN": arn(name), "Name": f"pardon-rehearsal/{name}", "LastChangedDate": self.touched[name]}
        listed |= {"LastRotatedDate": self.rotated[name]} if name in self.rotated else {}
        return 200, {"SecretList": [listed], **({"NextToken": str(page + 1)} if page + 1 < len(names) else {})}

    def list_versions(self, parameters: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = parameters["SecretId"].partition("/")[2].removesuffix("-AbCdEf")
        if "NextToken" not in parameters:
            old = {"VersionId": "old", "VersionStages": ["AWSPREVIOUS"], "CreatedDate": ago(days=20)}
            return 200, {"Versions": [old], "NextToken": "1"}
        current = {"VersionId": "new", "VersionStages": ["AWSCURRENT"], "CreatedDate": self.versions[name]}
        return 200, {"Versions": [current]}

    def change(self, name: str, **time: float) -> None:
        self.touched[name] = self.versions[name] = ago(**time)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
def aws(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    service = {"desiredCount": 3}
    alarm = {"AlarmName": "pardon-rehearsal-p1-outage"}
    answering = Aws(
        {
            "DescribeServices": lambda _: (200, {"services": [{**service, "deployments": world.deployments}]}),
            "UpdateService": lambda _: world.updated,
            "ListSecrets": world.secrets,
            "ListSecretVersionIds": world.list_versions,
            "DescribeAlarms": lambda _: (200, {"CompositeAlarms": [{**alarm, "StateValue": world.outage}]}),
        }
    )
    with serving(answering) as server:
        variables = {
            **AWS,
            "AWS_ENDPOINT_URL": server.url,
            "ENVIRONMENT": "rehearsal",
            "ECS_CLUSTER": "pardon-rehearsal-cluster",
            "ECS_SERVICE": "pardon-rehearsal-service",
            "SECRET_ARNS": f"{arn('cron-secret')},{arn('database-url')}",
            "NAME_PREFIX": "pardon-rehearsal/",
            "OUTAGE_ALARM": "pardon-rehearsal-p1-outage",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield answering


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Running:
    return Running(handler, capsys)


def test_without_a_change_of_what_tasks_read_nothing_is_asked_and_nothing_deployed(aws: Aws, run: Running) -> None:
    assert run()["state"] == "up_to_date"
    assert {name for name, _ in aws.requests} == {"DescribeServices", "ListSecrets"}


def test_changed_secrets_have_one_deployment(aws: Aws, world: World, run: Running) -> None:
    world.change("cron-secret", minutes=20)
    world.change("database-url", minutes=6)
    result = run()
    assert (result["state"], result["secrets"]) == (
        "started",
        ["pardon-rehearsal/cron-secret", "pardon-rehearsal/database-url"],
    )
    assert aws.asked("UpdateService") == [
        {
            "cluster": "pardon-rehearsal-cluster",
            "service": "pardon-rehearsal-service",
            "forceNewDeployment": True,
        }
    ]
    world.deployments = [{"status": "PRIMARY", "createdAt": NOW.timestamp(), "rolloutState": "IN_PROGRESS"}]
    assert run()["state"] == "up_to_date"
    assert len(aws.asked("UpdateService")) == 1


def test_deployment_that_began_right_after_the_change_is_enough(aws: Aws, world: World, run: Running) -> None:
    """As `make secret` does: half a second later, within the same second."""
    world.touched["cron-secret"] = world.versions["cron-secret"] = int(ago(hours=1)) + 0.2
    world.deployments[0]["createdAt"] = int(ago(hours=1)) + 0.7
    assert run()["state"] == "up_to_date"
    assert not aws.asked("UpdateService")


def test_rotation_counts_from_its_end_not_from_when_its_version_was_made(world: World, run: Running) -> None:
    world.change("database-url", minutes=70)  # made before the deployment
    world.touched["database-url"] = world.rotated["database-url"] = ago(minutes=50)  # current after it
    assert run()["state"] == "started"


def test_change_of_a_description_is_no_change(aws: Aws, world: World, run: Running) -> None:
    world.touched["cron-secret"] = ago(minutes=30)
    assert run()["state"] == "up_to_date"
    assert [one["SecretId"] for one in aws.asked("ListSecretVersionIds")] == [arn("cron-secret")] * 2


@pytest.mark.parametrize("case", ["just now", "deploying", "outage"])
def test_it_waits(aws: Aws, world: World, run: Running, case: str) -> None:
    world.change("cron-secret", minutes=1 if case == "just now" else 30)
    if case == "deploying":
        world.deployments.append({"status": "ACTIVE", "createdAt": ago(days=1), "rolloutState": "COMPLETED"})
    world.outage = "ALARM" if case == "outage" else "OK"
    assert run()["state"] == "waiting"
    assert not aws.asked("UpdateService")


def test_deployment_that_failed_and_was_rolled_back_is_not_started_again(aws: Aws, world: World, run: Running) -> None:
    world.change("cron-secret", minutes=30)
    world.deployments = [{"status": "PRIMARY", "createdAt": ago(minutes=10), "rolloutState": "COMPLETED"}]
    assert run()["state"] == "up_to_date"
    assert not aws.asked("UpdateService")


def test_what_aws_refuses_fails_the_run(world: World, run: Running) -> None:
    world.change("cron-secret", minutes=30)
    world.updated = REFUSED
    with pytest.raises(ClientError, match="UpdateService"):
        run()
    world.deployments = []
    with pytest.raises(TasksError, match="has no deployment"):
        run()
    with pytest.raises(InvalidSettingError, match="no field at all"):
        run({"force": True})
