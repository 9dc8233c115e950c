"""Verify on the service, the site, the database and the stacks."""

from datetime import timedelta
from typing import Any

import pytest

from config import PRODUCTION
from procedures.findings import State
from procedures.verify import answering_site, running_database, running_service, stack_states
from tests.unit.recorded_aws import CHANGED, RecordedDeployed, one

HOLDS, NOT_YET, FAILS = State.HOLDS, State.NOT_YET, State.FAILS
LATER = CHANGED + timedelta(minutes=21)


def aws(**answers: Any) -> RecordedDeployed:
    return RecordedDeployed(PRODUCTION, answers, now=LATER)


CERTIFICATE = {
    "ResourceType": "AWS::CertificateManager::Certificate",
    "PhysicalResourceId": "arn:aws:acm:us-east-1:640080112933:certificate/1",
    "LogicalResourceId": "C",
}


@pytest.mark.parametrize(("status", "state"), [("ISSUED", HOLDS), ("PENDING_VALIDATION", FAILS), ("EXPIRED", FAILS)])
def test_the_certificate_is_issued(status: str, state: State) -> None:
    def resources(request: Any) -> Any:
        return {
            "StackResourceSummaries": [CERTIFICATE | {"LogicalResourceId": "C"}]
            if request["StackName"].endswith("-service")
            else []
        }

    described = {"Certificate": {"Status": status, "NotAfter": LATER}}
    found = one(answering_site.certificate(aws(ListStackResources=resources, DescribeCertificate=described)))
    assert found.state is state


def test_a_name_that_does_not_resolve_and_a_port_that_is_closed_are_told_apart() -> None:
    def unknown(_name: str, _port: int) -> tuple[str, int]:
        raise OSError("Name or service not known")

    for address, text in ((unknown, "does not resolve"), (lambda _name, _port: ("127.0.0.1", 9), "does not answer")):
        deployed = aws()
        deployed.address = address
        found = one(answering_site.answer(deployed))
        assert found.state is FAILS
        assert text in found.found


@pytest.mark.parametrize(
    ("status", "value", "states"),
    [
        ("in-sync", "1", [HOLDS, HOLDS]),
        ("pending-reboot", "1", [FAILS, FAILS]),
        ("in-sync", "0", [HOLDS, FAILS]),
        ("in-sync", None, [HOLDS, FAILS]),
    ],
)
def test_plain_connections_are_refused_when_the_parameter_is_in_force(
    status: str, value: str | None, states: list[State]
) -> None:
    parameters = [{"ParameterName": "rds.force_ssl", **({"ParameterValue": value} if value else {})}]
    group = {"DBParameterGroupName": "g", "ParameterApplyStatus": status}
    answers = {"DescribeDBInstances": {"DBInstances": [{"DBParameterGroups": [group]}]}}
    found = running_database.parameters(aws(**answers, DescribeDBParameters={"Parameters": parameters}))
    assert [each.state for each in found] == states


@pytest.mark.parametrize(
    ("days", "minutes", "state"), [(7, 5, HOLDS), (7, 59, HOLDS), (7, 61, FAILS), (1, 5, FAILS), (7, None, NOT_YET)]
)
def test_backups_are_kept_and_recent(days: int, minutes: int | None, state: State) -> None:
    latest = {} if minutes is None else {"LatestRestorableTime": LATER - timedelta(minutes=minutes)}
    answer = {"DBInstances": [{"BackupRetentionPeriod": days, **latest}]}
    assert one(running_database.backups(aws(DescribeDBInstances=answer))).state is state


@pytest.mark.parametrize(
    ("desired", "running", "rollout", "state"),
    [
        (3, 3, "COMPLETED", HOLDS),
        (3, 2, "COMPLETED", FAILS),
        (3, 3, "FAILED", FAILS),
        (3, 0, "IN_PROGRESS", NOT_YET),
        (0, 0, "COMPLETED", FAILS),
    ],
)
def test_as_many_tasks_run_as_are_wanted(desired: int, running: int, rollout: str, state: State) -> None:
    service = {"desiredCount": desired, "runningCount": running, "deployments": [{"rolloutState": rollout}]}
    assert one(running_service.tasks(aws(DescribeServices={"services": [service]}))).state is state


@pytest.mark.parametrize(
    ("targets", "state"),
    [([], FAILS), (["initial"], NOT_YET), (["healthy", "draining"], HOLDS), (["healthy", "unhealthy"], NOT_YET)],
)
def test_the_targets_are_healthy(targets: list[str], state: State) -> None:
    group = {
        "ResourceType": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "PhysicalResourceId": "arn:aws:elasticloadbalancing:us-east-1:640080112933:targetgroup/t/1",
    }

    def resources(request: Any) -> Any:
        is_there = request["StackName"].endswith("-service")
        return {"StackResourceSummaries": [group | {"LogicalResourceId": "T"}] if is_there else []}

    health = {"TargetHealthDescriptions": [{"TargetHealth": {"State": each}} for each in targets]}
    found = one(running_service.targets(aws(ListStackResources=resources, DescribeTargetHealth=health)))
    assert found.state is state


def test_a_missing_container_is_named_with_its_reason_and_its_log() -> None:
    described = [{"name": each.name, "lastStatus": "RUNNING"} for each in PRODUCTION.containers]
    described[1] |= {"lastStatus": "STOPPED", "reason": "OutOfMemoryError"}
    tasks = {"tasks": [{"lastStatus": "RUNNING", "containers": described}, {"lastStatus": "PENDING", "containers": []}]}
    found = one(running_service.containers(aws(ListTasks={"taskArns": ["arn"]}, DescribeTasks=tasks)))
    name = PRODUCTION.containers[1].name
    assert (found.state, found.found) == (FAILS, f"not running: {name} (OutOfMemoryError) in 1 of 1 tasks")
    assert f"--log-stream-name-prefix {name}/" in found.mend


def test_a_stack_that_is_missing_or_rolled_back_is_named() -> None:
    def described(request: Any) -> Any:
        name = request["StackName"]
        if name.endswith("-service"):
            return "ValidationError"
        status = "UPDATE_ROLLBACK_COMPLETE" if name.endswith("-data") else "UPDATE_COMPLETE"
        return {"Stacks": [{"StackName": name, "StackStatus": status, "CreationTime": CHANGED}]}

    found = {each.subject: each.found for each in stack_states.stacks(aws(DescribeStacks=described))}
    assert found == {
        "pardon-production-data": "UPDATE_ROLLBACK_COMPLETE",
        "pardon-production-service": "does not exist",
    }
