"""Three environments stand in one account and region, and one goes, without a change of the others."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from config import DEVELOPMENT, PRODUCTION, REHEARSAL, STAGING
from names import LAYERS
from rehearsal.postgresql.server import Postgres
from rehearsal.steps.find_leftovers import LISTS, names_of
from tests.infra.conftest import Deployment, synthesize
from tests.integration.emulator_process import Emulator, start

# What a deployment asks of a function, whose code is not here.
REQUESTS = ("Custom::Migration", "Custom::DatabaseRole")
VERSION = "/cdk-bootstrap/hnb659fds/version"
BUCKET = "side-by-side-templates"


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> list[Deployment]:
    """Production, staging and development, in the account of the emulator.

    Without copies of backups, whose key a function looks up.
    """
    folder: Path = tmp_path_factory.mktemp("side-by-side")
    return [
        synthesize(replace(one, account=REHEARSAL.account, recovery="none"), folder / one.name, is_checked=False)
        for one in (PRODUCTION, STAGING, DEVELOPMENT)
    ]


@pytest.fixture(scope="module")
def emulator(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An account of its own, in which production stays at the end."""
    started = start(
        tmp_path_factory.mktemp("shared-account"),
        f"--database={postgres.host}:{postgres.port}",
        f"--database-admin-password-file={postgres.admin_password_file}",
        f"--ca-file={postgres.ca_file}",
    )
    yield started
    started.process.terminate()
    started.process.wait(5)


def test_environments_do_not_disturb_one_another(emulator: Emulator, environments: list[Deployment]) -> None:
    emulator.client("ssm").put_parameter(Name=VERSION, Value="32", Type="String")
    emulator.client("s3").create_bucket(Bucket=BUCKET)
    alone: dict[str, set[str]] = {}
    for deployment in environments:
        for layer in LAYERS:
            create(emulator, deployment, layer)
        prefix = deployment.environment.prefix
        alone[prefix] = existing(emulator, prefix)
        assert alone[prefix]
    assert {prefix: existing(emulator, prefix) for prefix in alone} == alone

    for prefix in (environments[-1].environment.prefix, environments[-2].environment.prefix):
        for layer in reversed(LAYERS):
            emulator.delete(f"{prefix}-{layer}")
        del alone[prefix]
        assert {prefix: existing(emulator, prefix) for prefix in alone} == alone


def create(emulator: Emulator, deployment: Deployment, layer: str) -> None:
    """Create a stack from its template, by way of S3 as the CDK does.

    Without the requests for a migration and for the checks' role.
    """
    stack, template = f"{deployment.environment.prefix}-{layer}", deployment.templates[layer]
    requests = {id_ for id_, one in template["Resources"].items() if one["Type"] in REQUESTS}
    resources = {
        id_: {**one, "DependsOn": [needed for needed in one.get("DependsOn", []) if needed not in requests]}
        for id_, one in template["Resources"].items()
        if id_ not in requests
    }
    body = json.dumps({**template, "Resources": resources})
    emulator.client("s3").put_object(Bucket=BUCKET, Key=stack, Body=body.encode())
    cloudformation = emulator.client("cloudformation")
    cloudformation.create_stack(
        StackName=stack,
        TemplateURL=f"https://s3.us-east-1.amazonaws.com/{BUCKET}/{stack}",
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    emulator.wait(cloudformation, "stack_create_complete", stack)


def existing(emulator: Emulator, prefix: str) -> set[str]:
    """The names of all that has the prefix, of every service."""
    found = [names_of(emulator.client(service), operation, names, prefix) for service, operation, names in LISTS]
    return set().union(*found)
