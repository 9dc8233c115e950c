"""The application's stand-in answers as the application does, over a real database."""

import json
import ssl
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from rehearsal.machine.ports import claim_addresses, free_port, free_ports
from rehearsal.stand_in.http_handlers import CoralMemory, Settings
from rehearsal.stand_in.serve import serve, serve_site
from tests.integration.conftest import Database

POOLS = [f"pool-{number}" for number in range(5)]

CORAL_PORT, WEB_PORT = free_ports(2)


def call(
    host: str, port: int, path: str, *, method: str = "GET", secret: str = "", body: Any = None, tls: Any = None
) -> tuple[int, Any]:
    connection = HTTPSConnection(host, port, timeout=10, context=tls) if tls else HTTPConnection(host, port, timeout=10)
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, {"Authorization": f"Bearer {secret}"} if secret else {})
    answer = connection.getresponse()
    answered = json.loads(answer.read())
    connection.close()
    return answer.status, answered


@pytest.fixture
def tasks(database: Database, tmp_path: Path) -> Iterator[list[str]]:
    """Two tasks of the application over a seeded database."""
    database.seed()
    secrets_file = tmp_path / "secrets.json"
    secrets_file.write_text(json.dumps({"DATABASE_URL": database.secret["url"], "CRON_SECRET": "right"}))
    settings = Settings(secrets_file, database.server.ca_file, POOLS)
    block = claim_addresses()
    hosts = block.hosts(2)
    servers = [server for host in hosts for server in serve(host, settings, coral_port=CORAL_PORT, web_port=WEB_PORT)]
    yield hosts
    for server in servers:
        server.shutdown()
        server.server_close()
    block.release()


def test_pool_health_counts_what_is_active(tasks: list[str]) -> None:
    status, body = call(tasks[0], WEB_PORT, "/api/cron/pool-health", secret="right")
    assert status == 200
    assert body["statistics"]["pools"][4] == {
        "poolId": "pool-4",
        "activeThreads": 36,
        "activeSessions": 18,
        "healthy": False,
        "loadPercentage": 90,
    }
    assert body["statistics"]["summary"] == {
        "totalThreads": 100,
        "totalSessions": 50,
        "healthyPools": 4,
        "totalPools": 5,
        "averageLoad": 50,
        "maxCapacity": 200,
    }


@pytest.mark.parametrize("secret", ["", "wrong"])
def test_operations_routes_require_the_secret(tasks: list[str], secret: str) -> None:
    for route in ("pool-health", "session-cleanup", "thread-cleanup", "intermediary-cleanup", "weekly-reset"):
        assert call(tasks[0], WEB_PORT, f"/api/cron/{route}", secret=secret)[0] == 401


def test_session_cleanup_closes_threads_of_its_own_task_only(tasks: list[str], database: Database) -> None:
    connection = database.connect()
    stale = """SELECT s."id", t."coralThreadId" FROM "Session" s JOIN "Thread" t ON t."sessionId" = s."id"
        WHERE s."endTime" IS NULL AND s."coralSessionId" = 'pool-0'
        AND s."lastActivityAt" < (now() AT TIME ZONE 'UTC') - interval '1 hour'"""
    thread = connection.run(stale)[0][1]
    for host in tasks:
        path = f"/api/v1/sessions/pool-0/threads/{thread}"
        assert call(host, CORAL_PORT, path, method="PUT")[0] == 201
    status, body = call(tasks[0], WEB_PORT, "/api/cron/session-cleanup", secret="right")
    assert (status, body["expiredSessions"]) == (200, 10)
    assert connection.run(stale) == []
    connection.close()
    assert call(tasks[0], CORAL_PORT, "/api/v1/sessions/pool-0/threads") == (200, [])
    assert call(tasks[1], CORAL_PORT, "/api/v1/sessions/pool-0/threads") == (200, [thread])


def test_thread_cleanup_closes_what_the_database_does_not_know(tasks: list[str]) -> None:
    call(tasks[0], CORAL_PORT, "/api/v1/sessions/pool-1/threads/unknown", method="PUT")
    status, body = call(tasks[0], WEB_PORT, "/api/cron/thread-cleanup", secret="right")
    assert (status, body["totalOrphaned"], body["byPool"]["pool-1"]) == (200, 1, 1)
    path = "/api/v1/sessions/pool-1/threads/unknown"
    assert call(tasks[0], CORAL_PORT, path, method="DELETE")[0] == 404


def test_a_database_without_tables_gives_status_500(tasks: list[str], database: Database) -> None:
    connection = database.connect()
    connection.run('DROP TABLE "Message", "Thread", "Session"')
    connection.close()
    status, body = call(tasks[0], WEB_PORT, "/api/cron/pool-health", secret="right")
    assert status == 500
    assert body["success"] is False
    assert "Session" in body["error"]


def test_health_of_both_servers(tasks: list[str]) -> None:
    assert call(tasks[0], CORAL_PORT, "/health")[0] == 200
    assert call(tasks[0], WEB_PORT, "/api/health/coral")[0] == 200
    assert call(tasks[0], WEB_PORT, "/api/nothing")[0] == 404


def test_threads_are_opened_many_at_once_in_one_task_only(tasks: list[str]) -> None:
    path = "/api/v1/sessions/pool-2/threads"
    assert call(tasks[0], CORAL_PORT, path, method="POST", body=["one", "two"]) == (201, {"opened": 2})
    assert call(tasks[0], CORAL_PORT, path) == (200, ["one", "two"])
    assert call(tasks[1], CORAL_PORT, path) == (200, [])


def test_the_site_answers_over_tls_for_one_task_after_the_other(database: Database, tmp_path: Path) -> None:
    secrets_file = tmp_path / "secrets.json"
    secrets_file.write_text(json.dumps({"DATABASE_URL": database.secret["url"], "CRON_SECRET": "right"}))
    corals, port = [CoralMemory(), CoralMemory()], free_port()
    for coral in corals:
        coral.open("pool-0", "unknown")
    certificate = database.server.authority.issue("balancer", "localhost")
    settings = Settings(secrets_file, database.server.ca_file, POOLS)
    server = serve_site(("127.0.0.1", port), settings, corals, certificate.chain_file, certificate.key_file)
    tls = ssl.create_default_context(cafile=database.server.ca_file)
    left = []
    for _ in corals:
        status, _body = call("localhost", port, "/api/cron/thread-cleanup", secret="right", tls=tls)
        left.append((status, sum(len(coral.threads("pool-0")) for coral in corals)))
    server.shutdown()
    server.server_close()
    assert left == [(200, 1), (200, 0)]
