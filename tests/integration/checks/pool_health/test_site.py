"""Pool health and the site: what is published when the site, the database or both fail."""

import base64
import html
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from ops_lambdas.pool_health import access
from ops_lambdas.pool_health.report import PoolHealthResult, SiteResult
from ops_lambdas.shared.database import DatabaseError
from tests.integration.checks import servers
from tests.integration.checks.conftest import CRON_ARN, CRON_SECRET, Check
from tests.integration.checks.pool_health.world import add, measured
from tests.integration.checks.servers import Behaviour, Exchange, Server, answers, answers_after
from tests.integration.conftest import Database

Site = Callable[[Behaviour], AbstractContextManager[Server]]


def body(threads: int = 3, sessions: int = 1) -> dict[str, Any]:
    pools = [
        {"poolId": "pool-0", "activeThreads": threads, "activeSessions": sessions, "healthy": True},
        {"poolId": "pool-1", "activeThreads": 0, "activeSessions": 0, "healthy": True},
    ]
    return {"success": True, "statistics": {"pools": pools, "summary": {}}}


@pytest.fixture(scope="module")
def database(module_database: Database) -> Database:
    """One for all tests here, as none of them changes it, with a session of three threads in pool-0."""
    with closing(module_database.connect()) as connection:
        connection.run("""INSERT INTO "User" ("id", "walletAddress", "username") VALUES ('u', 'w', 'n')""")
        add(connection, "pool-0", idle="1 minute", threads=3)
    return module_database


@pytest.fixture
def emptied() -> None:
    """Keep the session: no test here changes the database."""


@pytest.fixture(autouse=True)
def _short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_SITE_SECONDS", 0.5)


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch, check: Check) -> None:  # noqa: ARG001 - it sets the port before
    monkeypatch.setenv("DATABASE_PORT", str(servers.unreachable().port))


def reach(check: Check) -> dict[str, Any]:
    """Return the metrics of reaching database and site."""
    (line,) = [line for line in check.metrics if "DatabaseReadable" in line]
    return {name: value[0] for name, value in line.items() if name not in ("_aws", "Environment")}


def result_of_site(result: PoolHealthResult) -> SiteResult:
    assert result["site"] is not None
    return result["site"]


def test_a_site_that_agrees_is_called_as_in_the_runbook(check: Check, site: Any) -> None:
    with site(answers(200, body())) as server:
        result = check.run()
    of_site = result_of_site(result)
    assert (of_site["state"], of_site["status"], of_site["agrees"]) == ("ok", 200, True)
    (request,) = server.requests
    assert (request.method, request.target) == ("GET", "/api/cron/pool-health")
    assert request.headers["authorization"] == f"Bearer {CRON_SECRET}"
    metrics = reach(check)
    assert metrics == {"DatabaseReadable": 1, "SiteOk": 1, "SiteReachable": 1, "SiteAgrees": 1}
    assert [log["level"] for log in check.logs] == ["INFO"]
    assert CRON_SECRET not in json.dumps(check.logs)


def test_a_disagreement_of_the_site_is_reported_with_both_numbers(check: Check, site: Any) -> None:
    with site(answers(200, body(threads=36, sessions=9))):
        of_site = result_of_site(check.run())
    assert of_site["agrees"] is False
    assert of_site["disagreements"] == [
        "pool-0: 36 active threads on the site, 3 in the database",
        "pool-0: 9 active sessions on the site, 1 in the database",
    ]
    assert reach(check)["SiteAgrees"] == 0


@pytest.mark.parametrize(
    ("behaviour", "state", "status", "is_reachable"),
    [
        (answers(401, {"success": False}), "unauthorized", 401, 1),
        (answers(404, b"no such route"), "unexpected_status", 404, 1),
        (answers(500, {"success": False, "error": "no database"}), "server_error", 500, 1),
        (answers(503, b"<html>"), "server_error", 503, 1),
        (servers.redirects_to("http://127.0.0.1:9/"), "redirected", 302, 1),
        (answers(200, b"<html>hello</html>"), "not_json", 200, 1),
        (answers(200, {"success": True, "statistics": {"pools": "5"}}), "wrong_shape", 200, 1),
        (answers(200, body(threads=-1)), "wrong_shape", 200, 1),
        (servers.sends_half(body()), "broken", None, 0),
        (servers.resets, "broken", None, 0),
        (servers.closes, "broken", None, 0),
        (servers.is_not_http, "broken", None, 0),
        (servers.hangs, "timeout", None, 0),
        (servers.drips(), "timeout", None, 0),
        (answers_after(2, answers(200, body())), "timeout", None, 0),
    ],
)
def test_each_failure_of_the_site_has_a_state_and_the_databases_numbers_are_published(
    check: Check, site: Any, behaviour: Behaviour, state: str, status: int | None, is_reachable: int
) -> None:
    before = time.monotonic()
    with site(behaviour) as server:
        result = measured(check.run())
    assert time.monotonic() - before < 5
    assert len(server.requests) == 1, "tried once, no redirect followed"
    of_site = result_of_site(result)
    assert (of_site["state"], of_site["status"], of_site["agrees"]) == (state, status, None)
    metrics = reach(check)
    assert (metrics["DatabaseReadable"], metrics["SiteOk"], metrics["SiteReachable"]) == (1, 0, is_reachable)
    assert "SiteAgrees" not in metrics
    assert result["total_active_threads"] == 3
    assert [line["ActiveThreads"] for line in check.metrics if "Pool" in line] == [[3.0], [0.0]]
    assert CRON_SECRET not in json.dumps(check.logs)


def accepts(secret: str) -> Behaviour:
    """A site whose task started with this secret."""

    def behave(exchange: Exchange) -> None:
        is_right = exchange.request.headers["authorization"] == f"Bearer {secret}"
        (answers(200, body()) if is_right else answers(401, {"echo": exchange.request.headers["authorization"]}))(
            exchange
        )

    return behave


def test_tasks_that_still_have_the_secret_before_are_asked_with_it(check: Check, site: Any) -> None:
    check.secrets.answers[f"{CRON_ARN} AWSPREVIOUS"] = {"SecretString": json.dumps({"value": "the-one-before"})}
    with site(accepts("the-one-before")) as server:
        of_site = result_of_site(check.run())
    assert (of_site["state"], of_site["agrees"], len(server.requests)) == ("ok", True, 2)
    with site(accepts("another")) as server:
        of_site = result_of_site(check.run())
    assert (of_site["state"], len(server.requests)) == ("unauthorized", 2)
    logged = json.dumps(check.logs)
    assert CRON_SECRET not in logged
    assert "the-one-before" not in logged


def test_the_secret_before_is_not_read_while_the_current_one_is_right(check: Check, site: Any) -> None:
    with site(accepts(CRON_SECRET)):
        assert result_of_site(check.run())["state"] == "ok"
    assert [parameters["VersionStage"] for _, parameters in check.secrets.requests] == ["AWSCURRENT"]


def test_unreachable_is_another_state_than_timeout(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", servers.unreachable().url)
    assert result_of_site(check.run())["state"] == "unreachable"


def test_the_latency_of_a_slow_site_is_measured(check: Check, site: Any) -> None:
    with site(answers_after(0.2, answers(200, body()))):
        of_site = result_of_site(check.run())
    assert of_site["state"] == "ok"
    assert 200 <= (of_site["latency_milliseconds"] or 0) < 500


@pytest.mark.parametrize(
    "secret",
    [
        {"SecretString": "{}"},
        {"SecretString": json.dumps({"value": f"{CRON_SECRET}\r\nX: y"})},
        {"SecretBinary": "AA=="},
    ],
)
def test_without_the_secret_the_site_is_not_called(check: Check, site: Any, secret: dict[str, Any]) -> None:
    check.secrets.answers[CRON_ARN] = secret
    with site(answers(200, body())) as server:
        result = measured(check.run())
    assert (result_of_site(result)["state"], server.requests) == ("secret_unreadable", [])
    assert reach(check) == {"DatabaseReadable": 1, "SiteOk": 0}
    assert CRON_SECRET not in json.dumps([*check.logs, result])


@pytest.mark.usefixtures("no_database")
def test_without_the_database_the_sites_answer_is_published(check: Check, site: Any) -> None:
    with site(answers(200, body())):
        result = check.run()
    assert result["state"] == "database_unavailable"
    assert (result_of_site(result)["state"], result_of_site(result)["agrees"]) == ("ok", None)
    metrics = reach(check)
    assert metrics == {"DatabaseReadable": 0, "SiteOk": 1, "SiteReachable": 1}
    (log,) = check.logs
    assert log["level"] == "WARNING"
    assert "refused" in log["reason"]


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize("behaviour", [answers(500, {}), answers(401, {}), servers.resets])
def test_without_both_the_check_fails(check: Check, site: Any, behaviour: Behaviour) -> None:
    with site(behaviour):
        check.refuses(DatabaseError, "refused")
    assert reach(check)["SiteOk"] == 0


ODD_SECRET = 'cr"on <&> s/e\\c+ret'  # differs in JSON, HTML and addresses


def echoes(exchange: Exchange) -> str:
    return exchange.request.headers["authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize(
    "echo",
    [
        lambda secret: secret.encode(),
        lambda secret: json.dumps({"authorization": f"Bearer {secret}"}).encode(),
        lambda secret: html.escape(secret).encode(),
        lambda secret: quote(secret, safe="").encode(),
        lambda secret: quote_plus(secret).encode(),
        lambda secret: base64.b64encode(secret.encode()),
        lambda secret: base64.b64encode(f"Bearer {secret}".encode()),
        lambda secret: json.dumps({"success": False, "error": secret}).encode(),
    ],
)
@pytest.mark.parametrize("status", [200, 401, 500, None])
@pytest.mark.usefixtures("emptied")
def test_a_site_that_echoes_the_request_does_not_bring_the_secret_into_result_or_log(
    check: Check, site: Site, echo: Callable[[str], bytes], status: int | None
) -> None:
    check.secrets.answers[CRON_ARN] = {"SecretString": json.dumps({"value": ODD_SECRET})}

    def behave(exchange: Exchange) -> None:
        content = echo(echoes(exchange))
        answers(status, content)(exchange) if status else exchange.send(content + b"\r\n\r\n")

    with site(behave):
        result = result_of_site(check.run())
    everything = json.dumps([result, check.logs])
    assert result["state"] != "ok"
    for form in (ODD_SECRET, json.dumps(ODD_SECRET)[1:-1], quote(ODD_SECRET, safe=""), html.escape(ODD_SECRET)):
        assert json.dumps(form)[1:-1] not in everything
    assert base64.b64encode(ODD_SECRET.encode()).decode()[:20] not in everything


@pytest.mark.parametrize("number", [10**400, -1, True, 1.5, "3", None, float("inf"), 10**9 + 1])
@pytest.mark.usefixtures("emptied")
def test_a_number_that_no_pool_has_is_a_wrong_shape_and_the_rest_is_published(
    check: Check, site: Site, number: object
) -> None:
    strange = body()
    strange["statistics"]["pools"][0]["activeThreads"] = number
    with site(answers(200, strange)):
        result = check.run()
    assert result_of_site(result)["state"] == "wrong_shape"
    assert len(result_of_site(result)["detail"]) <= 200
    assert measured(result)["total_active_threads"] == 3


@pytest.mark.usefixtures("emptied")
def test_names_of_megabytes_and_lone_surrogates_are_cut(check: Check, site: Site) -> None:
    strange = body()
    strange["statistics"]["pools"] = [
        {"poolId": f"{number}{'x' * 700_000}", "activeThreads": 50, "activeSessions": 9} for number in range(10)
    ]
    strange["statistics"]["pools"].append({"poolId": "\ud800", "activeThreads": 50, "activeSessions": 9})
    with site(answers(200, strange)):
        result = result_of_site(check.run())
    assert (result["state"], result["agrees"]) == ("ok", False)
    assert len(json.dumps(result, ensure_ascii=False).encode()) < 10_000


@pytest.mark.parametrize("before", range(230, 300, 7))
@pytest.mark.usefixtures("emptied")
def test_no_part_of_the_secret_is_left_where_an_error_is_cut(check: Check, site: Site, before: int) -> None:
    with site(lambda exchange: exchange.send(b"x" * before + echoes(exchange).encode() * 3 + b"\r\n\r\n")):
        detail = result_of_site(check.run())["detail"]
    assert CRON_SECRET[:4] not in detail
