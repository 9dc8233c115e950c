"""The check cron_routes end to end, against a site and AWS over HTTP."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops_lambdas.cron_routes import access, handler
from ops_lambdas.cron_routes.handler import RouteError
from ops_lambdas.shared.settings import InvalidSettingError
from tests.integration.checks import servers
from tests.integration.checks.conftest import CRON_ARN, CRON_SECRET
from tests.integration.checks.running import Aws, Running
from tests.integration.checks.servers import Behaviour, answers, serving
from tests.integration.checks.variables import AWS

PARAMETER = "/pardon-rehearsal/weekly-reset"
TUESDAY = datetime(2026, 11, 24, 9, tzinfo=UTC)
BEFORE, AFTER = TUESDAY - timedelta(days=8), TUESDAY - timedelta(hours=18)
WEEKLY = {"route": "weekly-reset"}


class Ssm:
    """One parameter, `put` is how writing it is answered; and the service of ECS."""

    def __init__(self) -> None:
        self.modified = AFTER
        self.services = [{"desiredCount": 1}]
        self.put: tuple[int, dict[str, Any]] = (200, {"Version": 2})

    def get(self, parameters: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert parameters == {"Name": PARAMETER}
        return 200, {"Parameter": {"Name": PARAMETER, "LastModifiedDate": self.modified.timestamp()}}

    def write(self, parameters: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert (parameters["Name"], parameters["Overwrite"]) == (PARAMETER, True)
        if self.put[0] == 200:
            self.modified = TUESDAY
        return self.put


@pytest.fixture
def ssm() -> Ssm:
    return Ssm()


@pytest.fixture(autouse=True)
def aws(ssm: Ssm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    secret = {"SecretString": json.dumps({"value": CRON_SECRET})}
    answering = Aws(
        {
            "GetSecretValue": lambda _: (200, secret),
            "GetParameter": ssm.get,
            "PutParameter": ssm.write,
            "DescribeServices": lambda _: (200, {"services": ssm.services}),
        }
    )
    with serving(answering) as server:
        variables = {
            **AWS,
            "AWS_ENDPOINT_URL": server.url,
            "ENVIRONMENT": "rehearsal",
            "CRON_SECRET_ARN": CRON_ARN,
            "ECS_CLUSTER": "pardon-rehearsal-cluster",
            "ECS_SERVICE": "pardon-rehearsal-service",
            "WEEKLY_RESET_PARAMETER": PARAMETER,
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(access, "now", lambda: TUESDAY)
        monkeypatch.setattr(access, "_SECONDS", 0.5)
        yield answering


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Running]:
    running = Running(handler, capsys)
    yield running
    assert CRON_SECRET not in running.text


def test_intermediary_cleanup_is_called_with_the_secret_and_its_answer_read(run: Running, site: Any) -> None:
    with site(answers(200, {"success": True, "cleaned": 7})) as server:
        result = run({"route": "intermediary-cleanup"})
    assert {key: result[key] for key in ("state", "route", "status", "cleaned", "is_weekly_reset_overdue")} == {
        "state": "ok",
        "route": "intermediary-cleanup",
        "status": 200,
        "cleaned": 7,
        "is_weekly_reset_overdue": False,
    }
    (request,) = server.requests
    assert (request.method, request.target) == ("GET", "/api/cron/intermediary-cleanup")
    assert request.headers["authorization"] == f"Bearer {CRON_SECRET}"
    assert run.values == {}


def test_without_options_it_is_the_intermediary_cleanup(run: Running, site: Any) -> None:
    with site(answers(200, {"success": True, "cleaned": 0})) as server:
        run({})
    assert [one.target for one in server.requests] == ["/api/cron/intermediary-cleanup"]


def test_a_weekly_reset_that_succeeds_is_remembered_and_no_longer_overdue(
    aws: Aws, ssm: Ssm, run: Running, site: Any
) -> None:
    ssm.modified = BEFORE
    with site(answers(200, {"success": True})) as server:
        assert run(WEEKLY)["is_weekly_reset_overdue"] is False
    assert [one.target for one in server.requests] == ["/api/cron/weekly-reset"]
    assert aws.asked("PutParameter")[0]["Value"] == "succeeded 2026-11-24T09:00:00Z"
    assert run.values == {}


def test_a_weekly_reset_that_never_came_is_overdue_at_every_run(ssm: Ssm, aws: Aws, run: Running, site: Any) -> None:
    ssm.modified = BEFORE
    with site(answers(200, {"success": True, "cleaned": 0})):
        assert run({})["is_weekly_reset_overdue"] is True
    assert run.values == {"WeeklyResetOverdue": 1}
    assert not aws.asked("PutParameter")
    assert [log["level"] for log in run.logs] == ["WARNING"]


@pytest.mark.parametrize("event", [{}, WEEKLY])
@pytest.mark.parametrize(
    ("behaviour", "state"),
    [
        (answers(401, {"success": False, "error": "Unauthorized"}), "unauthorized"),
        (answers(500, {"success": False, "error": "no"}), "server_error"),
        (answers(200, {"success": False}), "wrong_shape"),
        (answers(200, b"<html>"), "not_json"),
        (answers(302), "redirected"),
        (servers.hangs, "timeout"),
        (servers.resets, "broken"),
        (servers.drips(), "timeout"),
    ],
)
def test_a_route_that_did_not_do_its_work_fails_so_that_lambda_repeats_it(
    aws: Aws, ssm: Ssm, run: Running, site: Any, behaviour: Behaviour, state: str, event: dict[str, str]
) -> None:
    ssm.modified = BEFORE
    started = time.monotonic()
    with site(behaviour) as server, pytest.raises(RouteError, match=f"{event.get('route', 'intermediary')}.*: {state}"):
        run(event)
    assert time.monotonic() - started < 5
    assert len(server.requests) == 1, "one call a run"
    assert run.logs[-1]["result"]["state"] == state
    assert not aws.asked("PutParameter")
    assert run.values == {"WeeklyResetOverdue": 1}, "what is known is published"


def test_in_off_hours_the_site_is_at_rest_and_no_run_fails(ssm: Ssm, run: Running, site: Any) -> None:
    ssm.services = [{"desiredCount": 0}]
    with site(answers(503, b"no target")):
        result = run({})
    assert (result["state"], result["status"], result["cleaned"]) == ("at_rest", 503, None)


def test_a_site_that_cannot_be_reached_fails(run: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", "http://127.0.0.1:9")
    with pytest.raises(RouteError, match="unreachable"):
        run({})


def test_a_reset_that_cannot_be_remembered_fails_and_is_repeated(ssm: Ssm, run: Running, site: Any) -> None:
    ssm.put = (400, {"__type": "AccessDeniedException", "message": "no"})
    with site(answers(200, {"success": True})), pytest.raises(ClientError, match="PutParameter"):
        run(WEEKLY)


@pytest.mark.parametrize(
    "event", [{"route": "pool-health"}, {"route": ""}, {"route": None}, {"rout": "weekly-reset"}, [], "weekly-reset"]
)
def test_a_wrong_option_is_refused_before_any_call(aws: Aws, run: Running, event: object) -> None:
    with pytest.raises(InvalidSettingError):
        run(event)
    assert aws.requests == []
