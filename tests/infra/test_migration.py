"""The application's migrations in the templates."""

import json
from pathlib import Path
from typing import Any

from config import REHEARSAL
from rehearsal.changed_app import changed
from tests.infra.conftest import Deployment, synthesize


def service(deployment: Deployment) -> dict[str, dict[str, Any]]:
    resources: dict[str, dict[str, Any]] = deployment.templates["service"]["Resources"]
    return resources


def machines(deployment: Deployment) -> list[dict[str, Any]]:
    name = deployment.environment.names.migration
    every = deployment.properties("AWS::StepFunctions::StateMachine")
    return [one for one in every if one["StateMachineName"] == name]


def test_service_waits_for_the_migration_of_its_own_image(deployment: Deployment) -> None:
    resources = service(deployment)
    (migration,) = (name for name, one in resources.items() if one["Type"] == "Custom::Migration")
    (depends,) = (one["DependsOn"] for one in resources.values() if one["Type"] == "AWS::ECS::Service")
    assert migration in depends
    images = {
        one["Properties"]["Family"].rpartition("-")[2]: json.dumps(one["Properties"]["ContainerDefinitions"])
        for one in resources.values()
        if one["Type"] == "AWS::ECS::TaskDefinition"
    }
    tag = f":{deployment.environment.image_tag}"
    assert tag in images["migration"]
    assert "pardon-website" in images["migration"]
    # Another image is another revision, and so another request.
    task = resources[migration]["Properties"]["Task"]["Ref"]
    assert resources[task]["Properties"]["Family"] == deployment.environment.names.migration
    assert resources[migration]["Properties"]["ServiceTimeout"] == "3600"


def test_without_the_site_there_is_no_migration(tmp_path: Path) -> None:
    deployment = synthesize(changed(REHEARSAL, "without-site"), tmp_path / "cdk.out", is_checked=False)
    assert not any(one["Type"] == "Custom::Migration" for one in service(deployment).values())
    assert not machines(deployment)
    alarms = [one["AlarmName"] for one in deployment.properties("AWS::CloudWatch::Alarm")]
    assert not any("migration" in name for name in alarms)


def test_log_of_the_executions_has_no_data(deployment: Deployment) -> None:
    """CloudFormation's request has a signed URL."""
    (machine,) = machines(deployment)
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
