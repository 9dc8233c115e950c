"""The platform of a single-platform image: its configuration, which ECR hands out by a signed URL."""

import json
from pathlib import Path
from typing import Any

import pytest

from config import DEVELOPMENT
from procedures.findings import State
from procedures.preflight import images
from procedures.synthesis import synthesize
from tests.unit.loopback_server import answering
from tests.unit.recorded_aws import Recorded

LINUX = json.dumps({"os": "linux", "architecture": "amd64", "config": {}})


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assembly")
    synthesize(DEVELOPMENT, folder)
    return folder


@pytest.mark.parametrize(
    ("status", "body", "length", "state"),
    [
        (200, LINUX, None, State.HOLDS),
        (200, LINUX.replace("amd64", "arm64"), None, State.FAILS),
        (403, "<Error><Code>AccessDenied</Code></Error>", None, State.NOT_YET),
        (200, LINUX, 1000, State.NOT_YET),
        (200, '{"os": "linux"}', None, State.NOT_YET),
    ],
    ids=["amd64", "arm64", "expired", "cut off", "no architecture"],
)
def test_the_configuration_of_an_image_says_its_platform(
    assembly: Path, status: int, body: str, length: int | None, state: State
) -> None:
    manifest = json.dumps({"schemaVersion": 2, "config": {"digest": f"sha256:{'0' * 64}"}, "layers": []})
    with answering(status, body, length=length) as url:
        answers: dict[str, Any] = {
            "ListStackResources": {
                "StackResourceSummaries": [{"LogicalResourceId": "One", "ResourceStatus": "CREATE_COMPLETE"}]
            },
            "BatchGetImage": {"images": [{"imageManifest": manifest}]},
            "GetDownloadUrlForLayer": {"downloadUrl": f"{url}/layer?signed"},
        }
        findings = list(images.images(Recorded(DEVELOPMENT, assembly, answers)))
    assert {finding.state for finding in findings} == {state}
    assert len(findings) == 3
