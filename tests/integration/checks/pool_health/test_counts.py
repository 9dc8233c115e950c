"""Pool health's query: what it counts, how far back it looks, and what it costs."""

import json
from collections.abc import Iterator
from typing import Any

import pg8000.native
import pytest

from ops_lambdas.pool_health import core, queries
from tests.integration.checks.conftest import Check
from tests.integration.checks.pool_health.world import add, measured
from tests.integration.conftest import Database

PARAMETERS = {
    "active_minutes": core.ACTIVE_WITHIN_MINUTES,
    "stuck_minutes": core.STUCK_AFTER_MINUTES,
    "inactive_limit": core.INACTIVE_LIMIT,
}


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


def test_the_result_shows_how_far_back_it_looked_when_there_is_more(
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


def test_any_mixture_of_sessions_is_counted_as_by_a_plain_query(
    check: Check, connection: pg8000.native.Connection
) -> None:
    """The runbook's query for stuck sessions, and a plain count, over 2,000 random sessions."""
    connection.run("SELECT setseed(0.25)")
    connection.run(
        """
        WITH added AS (
          INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId", "startTime", "lastActivityAt", "endTime")
          SELECT gen_random_uuid(), 'u', 'pool-' || floor(random() * 4), gen_random_uuid(),
                 utc - (idle + random() * 600) * interval '1 minute', utc - idle * interval '1 minute',
                 CASE WHEN random() < 0.5 THEN utc - random() * interval '100 minutes' END
          FROM (SELECT random() ^ 3 * 10000 AS idle, now() AT TIME ZONE 'UTC' AS utc FROM generate_series(1, 2000)) AS x
          RETURNING "id", "lastActivityAt"
        )
        INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId", "createdAt")
        SELECT gen_random_uuid(), "id", gen_random_uuid(), 'agent-cz', "lastActivityAt"
        FROM added, generate_series(1, 3)
        WHERE random() < 0.6
        """
    )
    connection.run(
        """
        INSERT INTO "Message" ("id", "threadId", "senderId", "content", "timestamp", "createdAt")
        SELECT gen_random_uuid(), "id", 'user', '', utc - random() ^ 2 * interval '300 minutes',
               utc - random() ^ 2 * interval '300 minutes'
        FROM (SELECT now() AT TIME ZONE 'UTC' AS utc) AS clock, "Thread" WHERE random() < 0.3
        """
    )
    plainly = connection.run(
        """
        WITH newest AS (
          SELECT t."sessionId" AS id, max(greatest(t."createdAt", m."createdAt", m."timestamp")) AS at,
                 count(DISTINCT t."id") AS held
          FROM "Thread" AS t LEFT JOIN "Message" AS m ON m."threadId" = t."id" GROUP BY 1
        ), s AS (
          SELECT "coralSessionId", "endTime", "lastActivityAt", at, coalesce(held, 0) AS held,
                 greatest("lastActivityAt", at) AS active, now() AT TIME ZONE 'UTC' AS utc
          FROM "Session" LEFT JOIN newest USING ("id")
        )
        SELECT "coralSessionId",
               sum(held) FILTER (WHERE "endTime" IS NULL AND "lastActivityAt" >= utc - interval '60 minutes')::bigint,
               count(*) FILTER (WHERE "endTime" IS NULL AND "lastActivityAt" >= utc - interval '60 minutes'),
               count(*) FILTER (WHERE active >= utc - interval '60 minutes' AND ("endTime" IS NULL OR at > "endTime")),
               sum(held) FILTER (WHERE "endTime" IS NULL AND active < utc - interval '120 minutes')::bigint,
               count(*) FILTER (WHERE "endTime" IS NULL AND active < utc - interval '120 minutes')
        FROM s GROUP BY 1 ORDER BY 1
        """
    )
    result = measured(check.run())
    assert result["looked_back_minutes"] is None
    names = ("pool", "active_threads", "active_sessions", "sessions_in_use", "stuck_threads", "stuck_sessions")
    found = [
        [one[name] for name in names]  # type: ignore[literal-required]
        for one in sorted(result["pools"], key=lambda one: one["pool"])
    ]
    assert len(plainly) == 4
    assert found == plainly


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_the_hour_is_the_same_in_every_time_zone_of_the_database(
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
        INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId", "createdAt")
        SELECT 't' || "id", "id", 'c' || "id", 'agent-cz', "lastActivityAt" FROM "Session"
        """
    )
    connection.run(
        """
        INSERT INTO "Message" ("id", "threadId", "senderId", "content", "timestamp", "createdAt")
        SELECT 'm' || "id", "id", 'user', '', "createdAt", "createdAt" FROM "Thread"
        """
    )
    connection.run("ANALYZE")
    ((answer,),) = connection.run(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {queries.POOLS}", **PARAMETERS)
    connection.close()
    (plan,) = json.loads(answer) if isinstance(answer, str) else answer
    nodes = list(flatten(plan["Plan"]))
    assert [node["Node Type"] for node in nodes if node["Node Type"] == "Seq Scan"] == []
    assert {node["Index Name"] for node in nodes if "Index Name" in node} == {
        "Session_lastActivityAt_idx",
        "Thread_sessionId_agentId_idx",
        "Message_threadId_createdAt_idx",
        "Message_threadId_timestamp_idx",
    }
    # Of 100,000 sessions 5,060 are read: those of the last hour, and as many older ones as the limit allows.
    # Each costs a few blocks down the indexes of its threads and of their messages.
    read = [node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in nodes if is_of_sessions(node)]
    assert sum(read) <= core.INACTIVE_LIMIT + 60
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 300 + 20 * 5060


def is_of_sessions(node: dict[str, Any]) -> bool:
    return node.get("Relation Name") == "Session"


def flatten(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from flatten(child)
