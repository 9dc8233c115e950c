"""Fixtures for the cost report's tests."""

import json
from collections.abc import Iterator

import pytest

from tests.integration.checks.cost_report.world import BANDS, TOPIC, Aws, Report
from tests.integration.checks.servers import Server, serving
from tests.integration.checks.variables import AWS


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    aws = Aws()
    with serving(aws) as server:
        set_environment(monkeypatch, server)
        yield aws


def set_environment(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    variables = {
        "ENVIRONMENT": "rehearsal",
        "TOPIC_ARN": TOPIC,
        "COST_BANDS": json.dumps(BANDS),
        "COST_METRIC": "UnblendedCost",
        "COST_TAG_KEY": "Environment",
        "COST_CEILING_USD": "490",
        "COST_TOLERANCE_PERCENT": "20",
        "COST_TOLERANCE_USD": "5",
        "STACKS": "pardon-rehearsal-network,pardon-rehearsal-service",
        "AWS_ENDPOINT_URL": server.url,
        **AWS,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "POWERTOOLS_SERVICE_NAME": "cost_report",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Report:
    return Report(capsys, monkeypatch)
