"""One snapshot for each stack of each environment, so that a change of what is deployed is seen in review."""

import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from config import ENVIRONMENTS
from tests.infra.conftest import Deployment

LAYERS = ("network", "registry", "secrets", "data", "service", "monitoring", "operations")
ASSET_HASH = re.compile(r"[0-9a-f]{64}")


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return ASSET_HASH.sub("<asset hash>", value) if isinstance(value, str) else value


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_stack_is_as_reviewed(
    deployments: dict[tuple[str, str], Deployment], name: str, layer: str, snapshot: SnapshotAssertion
) -> None:
    deployment = deployments[name, ENVIRONMENTS[name].home_region]
    assert set(deployment.templates) == set(LAYERS)
    assert _masked(deployment.templates[layer]) == snapshot(extension_class=JSONSnapshotExtension)
