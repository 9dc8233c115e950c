"""Pool health whole, against a real PostgreSQL: what it counts, and what CloudWatch reads of it."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, cast
from unittest import mock

import pg8000.native
import pytest

from constructs.lambda_package import LambdaPackage
from ops_lambdas.pool_health import core, queries
from ops_lambdas.pool_health.report import Measured, PoolHealthResult
from ops_lambdas.shared.database import Credentials, DatabaseError
from ops_lambdas.shared.lock import LOCK_SPACE, lock_key
from ops_lambdas.shared.settings import InvalidSettingError
from rehearsal.postgres import Postgres
from tests.integration.checks.conftest import CONTEXT, CRON_ARN, Check, Secrets, environment
from tests.integration.conftest import Database

PARAMETERS = {
    "active_minutes": core.ACTIVE_WITHIN_MINUTES,
    "stuck_minutes": core.STUCK_AFTER_MINUTES,
    "inactive_limit": core.INACTIVE_LIMIT,
}


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[Database]:
    """One database for all tests here, emptied for each: in place of a new one for each."""
    admin = postgres.connect()
    admin.run("CREATE DATABASE of_pools TEMPLATE application_template OWNER pardon_admin")
    yield Database(postgres, "of_pools")
    admin.run("DROP DATABASE of_pools WITH (FORCE)")
    admin.close()


@pytest.fixture(autouse=True)
def _emptied(database: Database) -> None:
    connection = database.connect()
    connection.run('TRUNCATE "User" CASCADE')
    connection.close()


def add(
    connection: pg8000.native.Connection,
    pool: str,
    *,
    idle: str,
    threads: int,
    has_ended: bool = False,
    age: str = "8 hours",
) -> None:
    """Add one session with its threads, begun and idle for that long by the database's UTC clock."""
    connection.run(
        """
        WITH session AS (
          INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId", "startTime", "lastActivityAt", "endTime")
          SELECT gen_random_uuid(), 'u', :pool, gen_random_uuid(),
                 utc - CAST(:age AS interval), utc - CAST(:idle AS interval),
                 CASE WHEN :has_ended THEN utc END
          FROM (SELECT now() AT TIME ZONE 'UTC' AS utc) AS clock
          RETURNING "id"
        )
        INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId")
        SELECT gen_random_uuid(), "id", gen_random_uuid(), 'agent-cz' FROM session, generate_series(1, :threads)
        """,
        pool=pool,
        idle=idle,
        age=age,
        has_ended=has_ended,
        threads=threads,
    )


def definition(line: dict[str, Any]) -> tuple[str, list[list[str]], dict[str, str]]:
    (metrics,) = line["_aws"]["CloudWatchMetrics"]
    return metrics["Namespace"], metrics["Dimensions"], {one["Name"]: one["Unit"] for one in metrics["Metrics"]}


def measured(result: PoolHealthResult) -> Measured:
    assert result["state"] == "measured"
    return cast(Measured, result)


def values(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "_aws"}


def test_active_threads_and_sessions_of_each_pool_are_published(
    check: Check, connection: pg8000.native.Connection
) -> None:
    add(connection, "pool-0", idle="0", threads=7)
    add(connection, "pool-0", idle="59 minutes 50 seconds", threads=3)
    add(connection, "pool-0", idle="60 minutes 10 seconds", threads=100)
    add(connection, "pool-0", idle="1 minute", threads=100, has_ended=True)
    add(connection, "production-main", idle="5 minutes", threads=36)
    add(connection, "production-main", idle="5 minutes", threads=0, age="30 minutes 30 seconds")

    result = check.run()
    assert result == {
        "state": "measured",
        "environment": "rehearsal",
        "pools": [
            {
                "pool": "pool-0",
                "active_threads": 10,
                "active_sessions": 2,
                "load_percent": 25.0,
                "is_healthy": True,
                "stuck_threads": 0,
                "stuck_sessions": 0,
                "oldest_open_session_minutes": 480,
            },
            {
                "pool": "pool-1",
                "active_threads": 0,
                "active_sessions": 0,
                "load_percent": 0.0,
                "is_healthy": True,
                "stuck_threads": 0,
                "stuck_sessions": 0,
                "oldest_open_session_minutes": None,
            },
            {
                "pool": "production-main",
                "active_threads": 36,
                "active_sessions": 2,
                "load_percent": 90.0,
                "is_healthy": False,
                "stuck_threads": 0,
                "stuck_sessions": 0,
                "oldest_open_session_minutes": 480,
            },
        ],
        "unlisted_pools": 0,
        "total_pools": 3,
        "total_active_threads": 46,
        "total_active_sessions": 4,
        "total_stuck_sessions": 0,
        "unhealthy_pools": 1,
        "is_every_pool_unhealthy": False,
        "looked_back_minutes": None,
        "site": mock.ANY,
    }
    counts = {
        "ActiveThreads": "Count",
        "ActiveSessions": "Count",
        "PoolLoadPercent": "Percent",
        "StuckSessions": "Count",
    }
    of_a_pool = {**counts, "OldestOpenSessionMinutes": "None"}
    totals = ("TotalActiveThreads", "TotalActiveSessions", "TotalStuckSessions")
    pools = ("UnhealthyPools", "AllPoolsUnhealthy", "Pools")
    assert [definition(line) for line in check.metrics[:-1]] == [
        ("PardonSimulator", [["Environment", "Pool"]], of_a_pool),
        ("PardonSimulator", [["Environment", "Pool"]], counts),
        ("PardonSimulator", [["Environment", "Pool"]], of_a_pool),
        ("PardonSimulator", [["Environment"]], dict.fromkeys((*totals, *pools), "Count")),
    ]
    age = {"OldestOpenSessionMinutes": [480.0]}
    pool = {"Environment": "rehearsal", "Pool": "pool-0", "StuckSessions": [0.0], **age}
    idle_pool = {"Environment": "rehearsal", "Pool": "pool-1", "StuckSessions": [0.0]}
    other_pool = {"Environment": "rehearsal", "Pool": "production-main", "StuckSessions": [0.0], **age}
    assert [values(line) for line in check.metrics[:-1]] == [
        {**pool, "ActiveThreads": [10.0], "ActiveSessions": [2.0], "PoolLoadPercent": [25.0]},
        {**idle_pool, "ActiveThreads": [0.0], "ActiveSessions": [0.0], "PoolLoadPercent": [0.0]},
        {**other_pool, "ActiveThreads": [36.0], "ActiveSessions": [2.0], "PoolLoadPercent": [90.0]},
        {
            "Environment": "rehearsal",
            "TotalActiveThreads": [46.0],
            "TotalActiveSessions": [4.0],
            "TotalStuckSessions": [0.0],
            "UnhealthyPools": [1.0],
            "AllPoolsUnhealthy": [0.0],
            "Pools": [3.0],
        },
    ]
    assert check.secrets.requests == [("secretsmanager.GetSecretValue", {"SecretId": CRON_ARN})]
    (log,) = check.logs
    assert log["message"] == "Pool health checked"
    assert log["result"]["total_active_threads"] == 46
    assert log["function_request_id"] == CONTEXT.aws_request_id


def test_stuck_sessions_and_the_oldest_are_found_by_pool_with_their_threads(
    check: Check, connection: pg8000.native.Connection
) -> None:
    add(connection, "pool-0", idle="1 minute", threads=2, age="3 days 30 seconds")  # old, but active
    add(connection, "pool-0", idle="119 minutes", threads=5)  # inactive, not for long
    add(connection, "pool-0", idle="121 minutes", threads=3)
    add(connection, "pool-0", idle="40 days", threads=4, age="41 days 30 seconds")
    add(connection, "pool-0", idle="90 days", threads=9, age="91 days", has_ended=True)
    add(connection, "left-over", idle="5 hours", threads=1, age="6 hours 30 seconds")
    first, second, third = measured(check.run())["pools"]
    assert (first["stuck_sessions"], first["stuck_threads"], first["active_sessions"]) == (2, 7, 1)
    assert first["oldest_open_session_minutes"] == 41 * 24 * 60
    assert (second["stuck_sessions"], second["oldest_open_session_minutes"]) == (0, None)
    assert (third["pool"], third["stuck_sessions"], third["stuck_threads"]) == ("left-over", 1, 1)
    assert (third["active_sessions"], third["is_healthy"]) == (0, True)
    assert third["oldest_open_session_minutes"] == 360


def test_it_says_how_far_back_it_looked_when_there_is_more(
    check: Check, connection: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "INACTIVE_LIMIT", 2)
    add(connection, "pool-0", idle="3 hours 30 seconds", threads=0, has_ended=True)
    add(connection, "pool-0", idle="4 hours 30 seconds", threads=0)
    result = measured(check.run())
    assert (result["total_stuck_sessions"], result["looked_back_minutes"]) == (1, 240)
    add(connection, "pool-0", idle="2 hours 30 seconds", threads=0, has_ended=True)
    result = measured(check.run())
    assert (result["total_stuck_sessions"], result["looked_back_minutes"]) == (0, 180)


def test_what_is_found_in_any_mixture_is_what_plain_counting_finds(
    check: Check, connection: pg8000.native.Connection
) -> None:
    """The runbook's query for stuck sessions, and counting in the plainest way, over 2,000 random sessions."""
    connection.run("SELECT setseed(0.25)")
    connection.run(
        """
        WITH added AS (
          INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId", "startTime", "lastActivityAt", "endTime")
          SELECT gen_random_uuid(), 'u', 'pool-' || floor(random() * 4), gen_random_uuid(),
                 utc - (idle + random() * 600) * interval '1 minute', utc - idle * interval '1 minute',
                 CASE WHEN random() < 0.5 THEN utc END
          FROM (SELECT random() ^ 3 * 10000 AS idle, now() AT TIME ZONE 'UTC' AS utc FROM generate_series(1, 2000)) AS x
          RETURNING "id"
        )
        INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId")
        SELECT gen_random_uuid(), "id", gen_random_uuid(), 'agent-cz' FROM added, generate_series(1, 3)
        WHERE random() < 0.6
        """
    )
    plainly = connection.run(
        """
        SELECT s."coralSessionId",
               count(t."id") FILTER (WHERE s."lastActivityAt" >= utc - interval '60 minutes'),
               count(DISTINCT s."id") FILTER (WHERE s."lastActivityAt" >= utc - interval '60 minutes'),
               count(t."id") FILTER (WHERE s."lastActivityAt" < utc - interval '120 minutes'),
               count(DISTINCT s."id") FILTER (WHERE s."lastActivityAt" < utc - interval '120 minutes')
        FROM (SELECT now() AT TIME ZONE 'UTC' AS utc) AS clock,
             "Session" AS s LEFT JOIN "Thread" AS t ON t."sessionId" = s."id"
        WHERE s."endTime" IS NULL GROUP BY 1 ORDER BY 1
        """
    )
    result = measured(check.run())
    assert result["looked_back_minutes"] is None
    found = [
        [one["pool"], one["active_threads"], one["active_sessions"], one["stuck_threads"], one["stuck_sessions"]]
        for one in sorted(result["pools"], key=lambda one: one["pool"])
    ]
    assert len(plainly) == 4
    assert found == plainly


def test_a_second_run_at_once_says_so_and_does_nothing(check: Check, database: Database) -> None:
    other = database.connect()
    other.run("SELECT pg_advisory_lock(:space, :key)", space=LOCK_SPACE, key=lock_key("pool_health"))
    assert check.run() == {"state": "already_running", "environment": "rehearsal", "site": None}
    assert check.metrics == []
    other.close()


def test_the_role_of_the_deployment_may_read_what_is_asked(check: Check, ops_login: Credentials) -> None:
    check.user, check.password = ops_login.username, ops_login.password
    assert check.run()["state"] == "measured"


def test_an_empty_database_publishes_zeros_for_the_configured_pools(check: Check) -> None:
    result = check.run()
    assert result["state"] == "measured"
    assert [line["Pool"] for line in check.metrics if "Pool" in line] == ["pool-0", "pool-1"]
    (totals,) = [line for line in check.metrics if "Pools" in line]
    assert (totals["TotalActiveSessions"], totals["AllPoolsUnhealthy"]) == ([0.0], [0.0])


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_the_hour_is_the_same_whatever_time_zone_the_database_has(
    check: Check, database: Database, connection: pg8000.native.Connection, zone: str
) -> None:
    add(connection, "pool-0", idle="59 minutes", threads=1)
    add(connection, "pool-0", idle="61 minutes", threads=1)
    connection.run(f"ALTER DATABASE {database.name} SET timezone TO '{zone}'")
    try:
        result = check.run()
    finally:
        connection.run(f"ALTER DATABASE {database.name} RESET timezone")
    assert measured(result)["total_active_sessions"] == 1


@pytest.mark.parametrize("missing", [["Thread"], ["Thread", "Session"]])
def test_missing_tables_are_a_state_and_publish_no_numbers(
    check: Check, connection: pg8000.native.Connection, missing: list[str]
) -> None:
    for table in missing:
        connection.run(f'ALTER TABLE "{table}" RENAME TO "No{table}"')
    try:
        assert check.run() == {"state": "tables_missing", "environment": "rehearsal", "site": mock.ANY}
    finally:
        for table in missing:
            connection.run(f'ALTER TABLE "No{table}" RENAME TO "{table}"')
    (reach,) = check.metrics
    assert reach["DatabaseReadable"] == [1.0]
    (log,) = check.logs
    assert log["level"] == "WARNING"
    assert 'relation "' in log["reason"]


def test_a_role_that_may_not_read_is_an_error_and_not_missing_tables(
    check: Check, database: Database, connection: pg8000.native.Connection
) -> None:
    connection.run(f"CREATE ROLE {database.name}_stranger LOGIN PASSWORD '{database.password}'")
    check.user = f"{database.name}_stranger"
    check.refuses(DatabaseError, "permission denied for table Session, SQLSTATE 42501")
    connection.run(f"DROP ROLE {database.name}_stranger")


def test_bad_settings_are_refused_before_anything_is_asked(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSettingError, match="event must be an object with no field at all"):
        check.run({"pools": "all"})
    monkeypatch.delenv("POOLS")
    check.refuses(InvalidSettingError, "POOLS must be ")
    assert check.secrets.requests == []


def test_the_deployed_asset_measures_the_rehearsals_seed(database: Database, secrets: Secrets, tmp_path: Path) -> None:
    database.seed()
    package, _ = LambdaPackage(output=tmp_path).build()
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path / "task")
    (tmp_path / "runtime").mkdir()
    for name in ("boto3", "botocore", "s3transfer", "urllib3", "jmespath", "dateutil"):
        (tmp_path / "runtime" / name).symlink_to(Path(str(metadata.distribution("boto3").locate_file(name))))
    script = f"""
import json, sys, types
sys.path[:0] = [{str(tmp_path / "task")!r}, {str(tmp_path / "runtime")!r}]
from ops_lambdas.pool_health.handler import handler
from ops_lambdas.shared import database
login = dict(host={database.server.host!r}, port={database.server.port}, database={database.name!r})
login |= dict(username={database.user!r}, password={database.password!r})
database.iam_login = lambda config: database.Credentials(**login)
print(json.dumps({{"result": handler({{}}, types.SimpleNamespace(**{vars(CONTEXT)!r}))}}))
"""
    variables = {**environment(database, secrets), "POOLS": "pool-0,pool-1,pool-2,pool-3,pool-4"}
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], env=variables, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    *metrics, _reach, log, last = [json.loads(line) for line in run.stdout.splitlines()]
    assert [definition(line)[1] for line in metrics] == [[["Environment", "Pool"]]] * 5 + [[["Environment"]]]
    assert log["service"] == "pool_health"
    assert [pool["is_healthy"] for pool in last["result"]["pools"]] == [True, True, True, True, False]


def test_cost_does_not_grow_with_ended_sessions(database: Database) -> None:
    connection = database.server.connect(database.name)
    connection.run("SET session_replication_role = replica")  # foreign keys of 200,000 rows take long to check
    connection.run(
        """
        INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId", "lastActivityAt", "endTime")
        SELECT 's' || n, 'u' || n, 'pool-' || n % 5, 'week', utc - n * interval '1 minute',
               CASE WHEN n > 10000 OR n % 4 > 0 THEN utc END
        FROM generate_series(1, 100000) AS n, (SELECT now() AT TIME ZONE 'UTC' AS utc) AS clock
        """
    )
    connection.run(
        """
        INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId")
        SELECT 't' || n, 's' || n, 'c' || n, 'agent-cz' FROM generate_series(1, 100000) AS n
        """
    )
    connection.run('ANALYZE "Session"')
    connection.run('ANALYZE "Thread"')
    ((answer,),) = connection.run(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {queries.POOLS}", **PARAMETERS)
    connection.close()
    (plan,) = json.loads(answer) if isinstance(answer, str) else answer
    nodes = list(flatten(plan["Plan"]))
    assert [node["Node Type"] for node in nodes if node["Node Type"] == "Seq Scan"] == []
    assert {node["Index Name"] for node in nodes if "Index Name" in node} == {
        "Session_lastActivityAt_idx",
        "Thread_sessionId_agentId_idx",
    }
    # Of 100,000 sessions 5,060 are read: those of the last hour, and behind them as many as the limit says.
    # Of these every fourth is open, and costs a few blocks down the index of its threads.
    read = [node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in nodes if is_of_sessions(node)]
    assert sum(read) <= core.INACTIVE_LIMIT + 60
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 300 + 5 * 1265


def is_of_sessions(node: dict[str, Any]) -> bool:
    return node.get("Relation Name") == "Session"


def flatten(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from flatten(child)
