"""The emulator's ECS and its scaling: tasks of a service, and their addresses."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from rehearsal.emulator.services.ecs_container_states import AGE_TAG
from tests.integration.emulator_process import Emulator
from tests.integration.emulator_templates import service


def test_service_runs_as_many_tasks_as_its_scaling_requires(emulator: Emulator) -> None:
    ecs = emulator.client("ecs")

    def tasks() -> set[str]:
        return set(ecs.list_tasks(cluster="emulator-cluster", desiredStatus="RUNNING")["taskArns"])

    for minimum in (2, 3):
        emulator.deploy("service", service(minimum))
        assert len(tasks()) == minimum

    before = tasks()
    forced = ecs.update_service(cluster="emulator-cluster", service="emulator-service", forceNewDeployment=True)
    assert forced["service"]["taskDefinition"].endswith("emulator-task:1")
    assert len(tasks()) == 3
    assert not before & tasks()
    definition = ecs.describe_task_definition(taskDefinition="emulator-task")["taskDefinition"]
    assert definition["containerDefinitions"][0]["secrets"] == [{"name": "CRON_SECRET", "valueFrom": "arn:secret"}]
    cluster = ecs.describe_clusters(clusters=["emulator-cluster"])["clusters"][0]
    assert cluster["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    recorded = [json.loads(line) for line in (emulator.folder / "placeholders.jsonl").read_text().splitlines()]
    assert {
        "region": "us-east-1",
        "type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "logical_id": "Policy",
        "stack": "service",
    } in recorded
    emulator.delete("service")


def test_containers_show_what_their_programs_would_refuse(emulator: Emulator) -> None:
    ecs, names = emulator.client("ecs"), {"cluster": "emulator-cluster"}
    emulator.deploy("service", service(1))
    (arn,) = ecs.list_tasks(**names)["taskArns"]

    def described() -> Any:
        (task,) = ecs.describe_tasks(**names, tasks=[arn])["tasks"]
        return task

    started = described()["startedAt"]
    (web,) = described()["containers"]  # its secret does not exist
    assert (web["lastStatus"], web["healthStatus"], web["exitCode"]) == ("STOPPED", "UNHEALTHY", 1)
    assert "arn:secret was not found" in web["reason"]
    service_arn = ecs.describe_services(**names, services=["emulator-service"])["services"][0]["serviceArn"]
    ecs.tag_resource(resourceArn=service_arn, tags=[{"key": AGE_TAG, "value": "10"}])
    assert started - described()["startedAt"] == timedelta(minutes=10)
    assert started - described()["startedAt"] == timedelta(minutes=10), "once, not at each look"
    emulator.delete("service")


def addresses(emulator: Emulator) -> list[str]:
    ecs = emulator.client("ecs")
    tasks = ecs.list_tasks(cluster="emulator-cluster")["taskArns"]
    described = ecs.describe_tasks(cluster="emulator-cluster", tasks=tasks)["tasks"] if tasks else []
    found = []
    for task in described:
        (interface,) = task["attachments"]
        assert (interface["type"], interface["status"]) == ("ElasticNetworkInterface", "ATTACHED")
        details = {detail["name"]: detail["value"] for detail in interface["details"]}
        networks = task["containers"][0]["networkInterfaces"]
        assert [one["privateIpv4Address"] for one in networks] == [details["privateIPv4Address"]]
        found.append(details["privateIPv4Address"])
    return sorted(found)


def test_tasks_have_the_addresses_of_their_stand_ins(emulator: Emulator) -> None:
    emulator.deploy("service", service(2))
    ecs, names = emulator.client("ecs"), {"cluster": "emulator-cluster"}
    assert addresses(emulator) == ["127.0.0.2", "127.0.0.3"]

    ecs.update_service(**names, service="emulator-service", desiredCount=3)
    assert addresses(emulator) == ["127.0.0.2", "127.0.0.3", "127.0.0.50"]

    ecs.update_service(**names, service="emulator-service", forceNewDeployment=True, desiredCount=2)
    assert addresses(emulator) == ["127.0.0.2", "127.0.0.3"]

    ecs.stop_task(**names, task=ecs.list_tasks(**names)["taskArns"][0])
    assert addresses(emulator) == ["127.0.0.2", "127.0.0.3"]  # that of the stopped one is free again
    emulator.delete("service")


def test_service_needs_its_capacity_providers_until_it_is_gone(emulator: Emulator) -> None:
    unordered = service(2)
    del unordered["Service"]["DependsOn"], unordered["Providers"]
    with pytest.raises(WaiterError) as error:
        emulator.deploy("unordered", unordered)
    assert any("which the cluster is not associated with" in note for note in error.value.__notes__)
    emulator.delete("unordered")

    emulator.deploy("service", service(2))
    ecs = emulator.client("ecs")
    with pytest.raises(ClientError, match="is in use and cannot be removed"):
        ecs.put_cluster_capacity_providers(
            cluster="emulator-cluster", capacityProviders=["FARGATE_SPOT"], defaultCapacityProviderStrategy=[]
        )
    emulator.delete("service")
