"""Dumps of the database in the templates."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config import PRODUCTION, REHEARSAL
from constructs.dump.authorities import authorities
from constructs.dump.transfer_task import AWS_CLI, IMAGES, POSTGRESQL
from environment_parts import Dumps
from tests.infra.conftest import Deployment, synthesize
from validation import ConfigurationError


def tasks(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """The containers of the task that dumps, and of the one that restores, by name; with the task's own properties."""
    names = deployment.environment.names
    families = {names.dump: "dump", names.restore_dump: "restore"}
    return {
        families[one["Family"]]: {**one, **{each["Name"]: each for each in one["ContainerDefinitions"]}}
        for one in deployment.properties("AWS::ECS::TaskDefinition")
        if one["Family"] in families
    }


def bucket(deployment: Deployment) -> dict[str, Any]:
    (found,) = (one for one in deployment.properties("AWS::S3::Bucket") if one.get("ObjectLockEnabled"))
    return found


def test_one_container_follows_the_other_when_that_has_succeeded(deployment: Deployment) -> None:
    for direction, (first, last) in {"dump": (POSTGRESQL, AWS_CLI), "restore": (AWS_CLI, POSTGRESQL)}.items():
        task = tasks(deployment)[direction]
        assert task[last]["DependsOn"] == [{"Condition": "SUCCESS", "ContainerName": first}]
        # ECS takes that condition of a container that is not essential only, whose end does not end the task.
        assert (task[first]["Essential"], task[last]["Essential"]) == (False, True)
        (volume,) = task["Volumes"]
        for name in (first, last):
            (mount,) = task[name]["MountPoints"]
            assert (mount["SourceVolume"], mount["ContainerPath"]) == (volume["Name"], task[name]["WorkingDirectory"])
            assert mount["ReadOnly"] is False
            assert task[name]["EntryPoint"] == ["sh", "-c"]


def test_only_postgresqls_clients_have_the_login_and_they_verify_the_server(deployment: Deployment) -> None:
    for task in tasks(deployment).values():
        assert "Secrets" not in task[AWS_CLI]
        secrets = {one["Name"]: json.dumps(one["ValueFrom"]) for one in task[POSTGRESQL]["Secrets"]}
        assert secrets.keys() == {"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD"}
        assert ":password::" in secrets["PGPASSWORD"]
        variables = {one["Name"]: one["Value"] for one in task[POSTGRESQL]["Environment"]}
        assert variables["PGSSLMODE"] == "verify-full"
        certificates = variables["DATABASE_CA"]
        assert certificates == authorities(deployment.environment.region)
        assert certificates.count("BEGIN CERTIFICATE") == certificates.count("END CERTIFICATE") >= 1
        assert "PGPASSWORD" not in task[POSTGRESQL]["Command"][0]


def test_images_have_exact_tags_and_the_platform_is_the_environments(deployment: Deployment) -> None:
    (engine,) = {
        one["EngineVersion"] for one in deployment.properties("AWS::RDS::DBInstance") if "EngineVersion" in one
    }
    assert re.fullmatch(rf"public\.ecr\.aws/docker/library/postgres:{engine}\.\d+", IMAGES[POSTGRESQL])
    assert re.fullmatch(r"public\.ecr\.aws/aws-cli/aws-cli:2\.\d+\.\d+", IMAGES[AWS_CLI])
    for task in tasks(deployment).values():
        assert {task[name]["Image"] for name in IMAGES} == set(IMAGES.values())
        assert task["RuntimePlatform"]["CpuArchitecture"] == deployment.environment.architecture


def test_a_task_definition_is_not_larger_than_ecs_takes(deployment: Deployment) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html."""
    for task in tasks(deployment).values():
        assert len(json.dumps(task["ContainerDefinitions"])) < 60_000  # of 64 KiB


def test_a_dump_fits_into_its_task(deployment: Deployment) -> None:
    for task in tasks(deployment).values():
        assert task["EphemeralStorage"]["SizeInGiB"] >= deployment.environment.max_storage_gib


def test_bucket_keeps_dumps_for_their_days_and_nobody_replaces_one(deployment: Deployment) -> None:
    found = bucket(deployment)
    assert found["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = found["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == deployment.environment.dumps.dump_days
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    encryption = json.dumps(found["BucketEncryption"])
    assert "aws:kms" in encryption
    assert found["PublicAccessBlockConfiguration"] == dict.fromkeys(found["PublicAccessBlockConfiguration"], True)
    statements = [
        statement
        for policy in deployment.properties("AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "s3:PutObject" and "Dumps" in json.dumps(statement["Resource"])
    ]
    assert [one["Condition"] for one in statements] == [
        {"StringEquals": {"s3:if-none-match": "*"}},
        {"Bool": {"s3:ObjectCreationOperation": "false"}},
    ]


@pytest.mark.parametrize("days", [None, 30])
def test_lock_is_the_configurations_and_needs_no_other_bucket(
    days: int | None, deployments: dict[tuple[str, str], Deployment], tmp_path: Path
) -> None:
    dumps = Dumps(dump_days=90, dump_lock_days=days, is_weekly=True)
    deployment = synthesize(replace(REHEARSAL, dumps=dumps), tmp_path / "cdk.out", is_checked=False)
    found, base = bucket(deployment), bucket(deployments["rehearsal", REHEARSAL.home_region])
    assert found["ObjectLockEnabled"] is base["ObjectLockEnabled"] is True
    retention = found.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention")
    assert retention == ({"Days": days, "Mode": "GOVERNANCE"} if days else None)


def test_one_dump_a_week_where_the_environment_has_that(deployment: Deployment) -> None:
    names = deployment.environment.names
    schedules = {one["Name"]: one for one in deployment.properties("AWS::Scheduler::Schedule")}
    assert (names.dump in schedules) is deployment.environment.dumps.is_weekly
    if not deployment.environment.dumps.is_weekly:
        return
    schedule = schedules[names.dump]
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("cron(0 9 ? * SUN *)", "ENABLED")
    target = schedule["Target"]
    assert target["Arn"].endswith(f":stateMachine:{names.dump}")
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 6 * 3600, "MaximumRetryAttempts": 2}
    # The queue of the event rules has an alarm.
    assert target["DeadLetterConfig"]["Arn"].endswith(f":{names.event_dead_letter_queue}")


def test_protected_environments_are_dumped_each_week() -> None:
    assert PRODUCTION.dumps.is_weekly


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dump_days": 0}, r"dump_days must be a whole number from 1 to 3650, got 0"),
        ({"dump_lock_days": 91}, r"dump_lock_days must be a whole number from 1 to 90, got 91"),
        ({"dump_lock_days": 0}, r"dump_lock_days must be a whole number from 1 to 90, got 0"),
        ({"is_weekly": "yes"}, r"is_weekly must be of type bool, got 'yes'"),
    ],
)
def test_configuration_is_checked(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Dumps(**{"dump_days": 90, "dump_lock_days": None, "is_weekly": True, **values})


def test_a_region_without_authorities_is_named() -> None:
    with pytest.raises(ValueError, match="no certificate authority of mars-north-1: renew it with make ca-bundle"):
        authorities("mars-north-1")
