"""Pool health end to end, against a real PostgreSQL: its result, its metrics and its states."""

import json
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from unittest import mock

import pg8000.native
import pytest

from constructs.functions.lambda_package import LambdaPackage
from ops_lambdas.shared.database import Credentials, DatabaseError
from ops_lambdas.shared.lock import LOCK_SPACE, lock_key
from ops_lambdas.shared.settings import InvalidSettingError
from tests.integration.checks.conftest import CONTEXT, CRON_ARN, Check, Secrets, environment
from tests.integration.checks.pool_health.world import add, definition, measured, values
from tests.integration.conftest import Database


@pytest.fixture
def two_pools(connection: pg8000.native.Connection) -> None:
    """Two pools with open sessions, of which one is unhealthy and not configured."""
    add(connection, "pool-0", idle="0", threads=7)
    add(connection, "pool-0", idle="59 minutes 50 seconds", threads=3)
    add(connection, "pool-0", idle="60 minutes 10 seconds", threads=100)
    add(connection, "pool-0", idle="1 minute", threads=100, has_ended=True)
    add(connection, "production-main", idle="5 minutes", threads=36)
    add(connection, "production-main", idle="5 minutes", threads=0, age="30 minutes 30 seconds")


@pytest.mark.usefixtures("two_pools")
def test_active_threads_and_sessions_of_each_pool_are_in_the_result(check: Check) -> None:
    assert check.run() == {
        "state": "measured",
        "environment": "rehearsal",
        "pools": [
            {
                "pool": "pool-0",
                "active_threads": 10,
                "active_sessions": 2,
                "sessions_in_use": 2,
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
                "sessions_in_use": 0,
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
                "sessions_in_use": 2,
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
        "total_sessions_in_use": 4,
        "total_stuck_sessions": 0,
        "unhealthy_pools": 1,
        "is_every_pool_unhealthy": False,
        "looked_back_minutes": None,
        "site": mock.ANY,
    }


@pytest.mark.usefixtures("two_pools")
def test_active_threads_and_sessions_of_each_pool_are_published(check: Check) -> None:
    check.run()
    counts = dict.fromkeys(("ActiveThreads", "ActiveSessions"), "Count")
    pools = ("TotalSessionsInUse", "UnhealthyPools", "AllPoolsUnhealthy")
    of_a_pool = ("PardonSimulator", [["Environment", "Pool"]], counts)
    of_all = ("PardonSimulator", [["Environment"]], dict.fromkeys(pools, "Count"))
    assert [definition(line) for line in check.metrics[:-1]] == [of_a_pool, of_a_pool, of_a_pool, of_all]
    of_environment = {"Environment": "rehearsal"}
    assert [values(line) for line in check.metrics[:-1]] == [
        {**of_environment, "Pool": "pool-0", "ActiveThreads": [10.0], "ActiveSessions": [2.0]},
        {**of_environment, "Pool": "pool-1", "ActiveThreads": [0.0], "ActiveSessions": [0.0]},
        {**of_environment, "Pool": "(unconfigured)", "ActiveThreads": [36.0], "ActiveSessions": [2.0]},
        {**of_environment, "TotalSessionsInUse": [4.0], "UnhealthyPools": [1.0], "AllPoolsUnhealthy": [0.0]},
    ]


@pytest.mark.usefixtures("two_pools")
def test_one_run_reads_one_secret_and_writes_one_log_line(check: Check) -> None:
    check.run()
    assert check.secrets.requests == [
        ("secretsmanager.GetSecretValue", {"SecretId": CRON_ARN, "VersionStage": "AWSCURRENT"})
    ]
    (log,) = check.logs
    assert log["message"] == "Pool health checked"
    assert log["result"]["total_active_threads"] == 46
    assert log["function_request_id"] == CONTEXT.aws_request_id


def test_a_second_run_at_once_does_nothing(check: Check, database: Database) -> None:
    other = database.connect()
    other.run("SELECT pg_advisory_lock(:space, :key)", space=LOCK_SPACE, key=lock_key("pool_health"))
    assert check.run() == {"state": "already_running", "environment": "rehearsal", "site": None}
    assert check.metrics == []
    other.close()


def test_the_role_of_the_deployment_may_run_the_query(check: Check, ops_login: Credentials) -> None:
    check.user, check.password = ops_login.username, ops_login.password
    assert check.run()["state"] == "measured"


def test_an_empty_database_publishes_zeros_for_the_configured_pools(check: Check) -> None:
    result = check.run()
    assert result["state"] == "measured"
    assert [line["Pool"] for line in check.metrics if "Pool" in line] == ["pool-0", "pool-1"]
    (totals,) = [line for line in check.metrics if "UnhealthyPools" in line]
    assert (totals["TotalSessionsInUse"], totals["AllPoolsUnhealthy"]) == ([0.0], [0.0])


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
    check.refuses(DatabaseError, r"permission denied for table \w+, SQLSTATE 42501")
    connection.run(f"DROP ROLE {database.name}_stranger")


def test_bad_settings_are_refused_before_any_call(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
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
    facts = {name: value for name, value in vars(CONTEXT).items() if isinstance(value, str)}
    script = f"""
import json, sys, types
sys.path[:0] = [{str(tmp_path / "task")!r}, {str(tmp_path / "runtime")!r}]
from ops_lambdas.pool_health.handler import handler
from ops_lambdas.shared import database
login = dict(host={database.server.host!r}, port={database.server.port}, database={database.name!r})
login |= dict(username={database.user!r}, password={database.password!r})
database.iam_login = lambda config: database.Credentials(**login)
print(json.dumps({{"result": handler({{}}, types.SimpleNamespace(**{facts!r}))}}))
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


def test_pools_that_only_the_table_shows_are_counted_together_whatever_their_names(
    check: Check, connection: pg8000.native.Connection
) -> None:
    names = ["pool-0 ", ":pool-0", "poöl", "poäl", "", "\n", "x" * 100_000, *(f"made-up-{n}" for n in range(300))]
    for name in names:
        add(connection, name, idle="1 minute", threads=2)
    add(connection, "pool-0", idle="1 minute", threads=1)
    result = measured(check.run())
    by_pool = [line for line in check.metrics if "Pool" in line]
    assert [line["Pool"] for line in by_pool] == ["pool-0", "pool-1", "(unconfigured)"]
    assert (by_pool[0]["ActiveThreads"], by_pool[2]["ActiveThreads"]) == ([1.0], [2.0 * len(names)])
    assert (len(result["pools"]), result["total_pools"]) == (2 + 20, 2 + len(names))
    assert result["unlisted_pools"] == len(names) - 20
    assert len(json.dumps(result)) < 50_000


def test_times_that_are_infinite_or_missing_hide_nothing(check: Check, connection: pg8000.native.Connection) -> None:
    connection.run('ALTER TABLE "Session" ALTER "startTime" DROP NOT NULL')
    add(connection, "pool-0", idle="1 minute", threads=2, age="3 hours 1 second")
    late, early = "infinity", "-infinity"
    for start, active in ((late, late), (early, early), (None, early), (None, late)):
        sql = """INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId", "startTime", "lastActivityAt")
                 VALUES (gen_random_uuid(), 'u', 'pool-1', gen_random_uuid(), CAST(:start AS timestamp),
                         CAST(:active AS timestamp))"""
        connection.run(sql, start=start, active=active)
    first, second = measured(check.run())["pools"]
    assert (first["active_sessions"], first["oldest_open_session_minutes"]) == (1, 180)
    assert (second["active_sessions"], second["stuck_sessions"]) == (2, 2)
    assert second["oldest_open_session_minutes"] is None
    connection.run('TRUNCATE "Session" CASCADE')
    connection.run('ALTER TABLE "Session" ALTER "startTime" SET NOT NULL')


def test_a_user_who_goes_on_in_an_idle_or_ended_session_is_in_use_and_not_stuck(
    check: Check, connection: pg8000.native.Connection
) -> None:
    add(connection, "pool-0", idle="3 hours", threads=1)
    add(connection, "pool-0", idle="3 hours", threads=1, has_ended=True)
    connection.run("""UPDATE "Session" SET "endTime" = "lastActivityAt" WHERE "endTime" IS NOT NULL""")
    assert measured(check.run())["total_stuck_sessions"] == 1
    connection.run(
        """INSERT INTO "Message" ("id", "threadId", "senderId", "content", "timestamp", "createdAt")
           SELECT gen_random_uuid(), "id", 'user', '', utc - interval '1 minute', utc - interval '3 hours'
           FROM "Thread", (SELECT now() AT TIME ZONE 'UTC' AS utc) AS clock"""
    )
    result = measured(check.run())
    assert (result["total_active_sessions"], result["total_sessions_in_use"]) == (0, 2)
    assert result["total_stuck_sessions"] == 0
