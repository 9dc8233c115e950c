"""Every environment, synthesized once a test run, in its home region and its recovery region."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from cdk_nag import AwsSolutionsChecks

from config import ENVIRONMENTS, environment
from environment import Environment
from names import CHECKS
from stacks import add_stacks

ROOT = Path(__file__).parents[2]
CONTEXT = json.loads((ROOT / "cdk.json").read_text())["context"]
VALIDATION = "@aws-cdk/core:validateAgainstDefaultRules"
PLACES = [(name, region) for name, e in ENVIRONMENTS.items() for region in (e.home_region, e.recovery_region)]


@dataclass(frozen=True)
class Deployment:
    """One environment in one region, as it would be deployed.

    Attributes:
        acknowledged: paths of constructs, with the ids of the findings that are accepted there.
    """

    environment: Environment
    folder: Path
    acknowledged: list[tuple[str, str]]

    @cached_property
    def templates(self) -> dict[str, dict[str, Any]]:
        """Templates by layer, e.g. "network"."""
        return {
            path.name.removeprefix(f"{self.environment.prefix}-").removesuffix(".template.json"): json.loads(
                path.read_text()
            )
            for path in sorted(self.folder.glob("*.template.json"))
        }

    def resources(self, type_: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Stack and logical id, and the resource, of every resource of `type_`."""
        for layer, template in self.templates.items():
            for logical_id, resource in template["Resources"].items():
                if resource["Type"] == type_:
                    yield f"{layer}/{logical_id}", resource

    def properties(self, type_: str) -> list[dict[str, Any]]:
        """Properties of every resource of `type_`."""
        return [resource.get("Properties", {}) for _, resource in self.resources(type_)]

    @cached_property
    def exports(self) -> dict[str, Any]:
        """Values that stacks export to others, by the export's name."""
        return {
            output["Export"]["Name"]: output["Value"]
            for template in self.templates.values()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def referred(self, value: dict[str, Any]) -> Any:
        """What a reference to another stack stands for in the template of that stack; None for any other value."""
        if "Fn::ImportValue" in value:
            return self.exports[value["Fn::ImportValue"]]
        if "Fn::GetStackOutput" in value:
            output = value["Fn::GetStackOutput"]
            layer = output["StackName"].removeprefix(f"{self.environment.prefix}-")
            return self.templates[layer]["Outputs"][output["OutputName"]]["Value"]
        return None

    @cached_property
    def check_functions(self) -> list[dict[str, Any]]:
        """Properties of the function of each check."""
        names = {self.environment.names.check(check) for check in CHECKS}
        return [one for one in self.properties("AWS::Lambda::Function") if one.get("FunctionName") in names]

    def report(self) -> list[dict[str, Any]]:
        """What the validation plugins reported."""
        plugins: list[dict[str, Any]] = json.loads((self.folder / "validation-report.json").read_text())[
            "pluginReports"
        ]
        return plugins


def synthesize(chosen: Environment, folder: Path, *, is_checked: bool = True) -> Deployment:
    """Synthesize `chosen` into `folder`, as app.py does; unchecked in half the time."""
    app = cdk.App(context=CONTEXT if is_checked else {**CONTEXT, VALIDATION: False}, outdir=str(folder))
    if is_checked:
        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
    add_stacks(app, chosen)
    app.synth()
    key = cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY
    acknowledged = [
        (construct.node.path, finding)
        for construct in app.node.find_all()
        for entry in construct.node.metadata
        if entry.type == key
        for finding in entry.data
        if finding.startswith("AwsSolutions::")  # the others are the CDK's own
    ]
    return Deployment(chosen, folder, acknowledged)


@pytest.fixture(scope="session")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Deployment]:
    """Every environment in its home region and its recovery region."""
    return {
        (name, region): synthesize(
            environment(name, region=region), tmp_path_factory.mktemp(f"{name}-{region}") / "cdk.out"
        )
        for name, region in PLACES
    }


@pytest.fixture(scope="session")
def standbys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Deployment]:
    """Every environment that is recovered elsewhere, in standby there."""
    return {
        name: synthesize(environment(name, standby="true"), tmp_path_factory.mktemp(f"{name}-standby") / "cdk.out")
        for name, one in ENVIRONMENTS.items()
        if one.recovery != "none"
    }


@pytest.fixture(params=PLACES, ids=lambda place: "-".join(place))
def deployment(request: pytest.FixtureRequest, deployments: dict[tuple[str, str], Deployment]) -> Deployment:
    """Each environment in each of its two regions."""
    return deployments[request.param]


@pytest.fixture(scope="session")
def production(deployments: dict[tuple[str, str], Deployment]) -> Deployment:
    """Production in its home region."""
    return deployments["production", ENVIRONMENTS["production"].home_region]
