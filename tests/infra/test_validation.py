"""Every template passes cdk-nag, CloudFormation's rules and cfn-lint."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from config import ENVIRONMENTS
from names import LAYERS
from tests.infra.conftest import Deployment


def test_no_violation_is_left(deployment: Deployment) -> None:
    plugins = {plugin["pluginName"]: plugin for plugin in deployment.report()}
    assert "AwsSolutions" in plugins
    assert [violation for plugin in plugins.values() for violation in plugin["violations"]] == []


def test_every_acknowledgement_has_a_reason(deployment: Deployment) -> None:
    accepted = [finding for plugin in deployment.report() for finding in plugin.get("suppressedViolations", [])]
    assert accepted
    assert [finding for finding in accepted if len(finding["reason"].split()) < 4] == []


def test_no_acknowledgement_is_stale(deployments: dict[tuple[str, str], Deployment]) -> None:
    """Each accepted finding is found, in at least one environment that accepts it."""
    used: dict[tuple[str, str], bool] = defaultdict(bool)
    for deployment in deployments.values():
        prefix = deployment.environment.prefix
        found = {
            (finding["acknowledgedAt"], finding["acknowledgedId"])
            for plugin in deployment.report()
            for finding in plugin.get("suppressedViolations", [])
        }
        for path, finding in deployment.acknowledged:
            used[path.replace(prefix, ""), finding.replace(prefix, "")] |= (path, finding) in found
    assert [acknowledgement for acknowledgement, is_used in used.items() if not is_used] == []


@pytest.mark.parametrize(
    ("region", "names"),
    [
        ("home_region", ENVIRONMENTS),
        # What a region lacks is the same for all, and a lint takes seconds: the others have fewer resources.
        ("recovery_region", ["production"]),
    ],
)
def test_cfn_lint_finds_no_error(
    deployments: dict[tuple[str, str], Deployment], region: str, names: Iterable[str]
) -> None:
    chosen = [deployments[name, getattr(ENVIRONMENTS[name], region)] for name in names]
    templates = [str(path) for d in chosen for path in sorted(d.folder.glob("*.template.json"))]
    assert len(templates) == len(LAYERS) * len(chosen)
    linted = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("cfn-lint")), "--regions", chosen[0].environment.region),
            *("--ignore-checks", "W3005"),  # dependencies that the CDK states twice
            *("--", *templates),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout
    assert linted.stdout == ""
