"""Housekeeping, and the services that it calls."""

from collections.abc import Iterator

import pytest

from ops_lambdas.housekeeping import handler
from tests.integration.checks.housekeeping.world import ARNS, DATABASE, NOW, OPENAI, TOPIC, Aws, Housekeeping
from tests.integration.checks.servers import serving
from tests.integration.checks.variables import AWS


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    one = Aws()
    variables = {
        "ENVIRONMENT": "rehearsal",
        "SECRET_ARNS": ",".join(ARNS),
        "EMPTY_SECRET_ARNS": OPENAI,
        "TOPIC_ARN": TOPIC,
        "ALARM_EMAILS": "operator@example.com",
        "DATABASE_INSTANCE": DATABASE,
        "ALARM_PREFIX": "pardon-rehearsal-p",
        "RECOVERY_REGION": "",
        **AWS,
    }
    monkeypatch.setattr(handler, "_now", lambda: NOW)
    with serving(one) as server:
        for name, value in {**variables, "AWS_ENDPOINT_URL": server.url}.items():
            monkeypatch.setenv(name, value)
        yield one


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Housekeeping:
    return Housekeeping(capsys)
