"""What the checks' queries cost at a million messages: no table is read that grows with what was ever said."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pg8000.native
import pytest

from ops_lambdas.pool_health import core
from ops_lambdas.pool_health import queries as pool_health
from ops_lambdas.session_cleanup import queries as session_cleanup
from ops_lambdas.shared import thread_records
from tests.integration.conftest import Database

SESSIONS, THREADS, MESSAGES = 20_000, 2, 25
IDLE = 500  # sessions that are open, and idle by their column; half of them by their messages, too

# Sessions began in equal steps during a year, and lasted two hours.
_FILL = f"""
SET session_replication_role = replica;
INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId", "startTime", "lastActivityAt", "endTime")
SELECT 's' || n, 'u' || n, 'pool-' || n % 5, 'week', began, began,
       CASE WHEN n > {IDLE} THEN began + interval '2 hours' END
FROM (SELECT n, (now() AT TIME ZONE 'UTC') - interval '3 hours' - n * interval '26 minutes' AS began
      FROM generate_series({SESSIONS}, 1, -1) AS n) AS sessions;
INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId", "createdAt")
SELECT "id" || '-' || n, "id", md5("id" || n), 'agent-cz', "startTime" + interval '1 minute'
FROM "Session", generate_series(1, {THREADS}) AS n;
INSERT INTO "Message" ("id", "threadId", "senderId", "content", "timestamp", "createdAt")
SELECT t."id" || '-' || n, t."id", 'user', 'Good morning', at, at
FROM "Thread" AS t, generate_series(1, {MESSAGES}) AS n,
     LATERAL (SELECT CASE WHEN n = 1 AND t."sessionId" IN (SELECT 's' || i FROM generate_series(1, {IDLE}, 2) AS i)
                          THEN (now() AT TIME ZONE 'UTC') - interval '1 minute'
                          ELSE t."createdAt" + n * interval '1 minute' END AS at) AS said;
SET session_replication_role = origin;
"""
_BLOCKS_A_THREAD = 4 * 2 + 4  # down two indexes of its messages, and to itself


@pytest.fixture(scope="module")
def large(module_database: Database) -> Iterator[pg8000.native.Connection]:
    with closing(module_database.server.connect(module_database.name)) as admin:
        indexes = admin.run(
            """SELECT indexdef, indexname FROM pg_indexes WHERE tablename = 'Message' AND indexname <> 'Message_pkey'"""
        )
        for _, name in indexes:
            admin.run(f'DROP INDEX "{name}"')
        for statement in _FILL.split(";\n"):
            if statement.strip():
                admin.run(statement)
        for definition, _ in indexes:  # quicker than row by row
            admin.run(definition)
        admin.run("VACUUM ANALYZE")
        yield admin


def plan(connection: pg8000.native.Connection, sql: str, **parameters: Any) -> dict[str, Any]:
    """Return a query's plan, as it was run."""
    connection.run("BEGIN")
    ((answer,),) = connection.run(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", **parameters)
    connection.run("ROLLBACK")
    (found,) = json.loads(answer) if isinstance(answer, str) else answer
    root: dict[str, Any] = found["Plan"]
    return root


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def blocks(root: dict[str, Any]) -> int:
    return int(root["Shared Hit Blocks"]) + int(root["Shared Read Blocks"])


def read_whole(root: dict[str, Any]) -> set[str]:
    return {node["Relation Name"] for node in nodes(root) if node["Node Type"] == "Seq Scan"}


def test_the_idle_are_found_by_reading_sessions_and_the_newest_of_their_threads(
    large: pg8000.native.Connection,
) -> None:
    ((since,),) = large.run(session_cleanup.IDLE_SINCE, minutes=60)
    ((size,),) = large.run("""SELECT pg_relation_size('"Session"') / 8192""")
    large.run(session_cleanup.PRICE_PAGES)
    found = large.run(session_cleanup.STALE_BATCHES, idle_since=since, batch_sessions=1000)
    assert [(is_silent, count) for is_silent, count, _ in found] == [(False, IDLE // 2), (True, IDLE // 2)]
    for sql, parameters in (
        (session_cleanup.STALE_BATCHES, {"batch_sessions": 1000}),
        (session_cleanup.COUNT_STALE, {}),
        (session_cleanup.END, {"places": found[1][2]}),
    ):
        root = plan(large, sql, idle_since=since, **parameters)
        assert read_whole(root) <= {"Session"}
        changed = 20 * IDLE if sql == session_cleanup.END else 0  # rows and indexes that are written
        assert blocks(root) < size + IDLE * THREADS * _BLOCKS_A_THREAD + IDLE * 4 + changed + 200


@pytest.mark.parametrize("count", [1, 100, thread_records.MAX_IDS])
def test_threads_are_looked_up_with_their_newest_message(large: pg8000.native.Connection, count: int) -> None:
    ids = [row[0] for row in large.run('SELECT "coralThreadId" FROM "Thread" ORDER BY random() LIMIT :n', n=count)]
    ((now,),) = large.run(session_cleanup.NOW)
    times = {"ended_before": now, "quiet_since": now}
    root = plan(large, thread_records.KNOWN, ids=json.dumps(ids), **times)
    assert "Message" not in read_whole(root)
    assert root["Actual Rows"] == count
    if count < thread_records.MAX_IDS:  # of that many, reading the tables of threads and sessions is quicker
        assert read_whole(root) == set()
        assert blocks(root) < count * (_BLOCKS_A_THREAD + 8) + 50


def test_pools_are_found_name_by_name(large: pg8000.native.Connection) -> None:
    root = plan(large, thread_records._POOLS, most=200)
    assert (read_whole(root), root["Actual Rows"]) == (set(), 5)
    assert blocks(root) < 60


def test_pool_health_reads_as_many_sessions_as_its_limit(large: pg8000.native.Connection) -> None:
    root = plan(large, pool_health.POOLS, active_minutes=60, stuck_minutes=120, inactive_limit=core.INACTIVE_LIMIT)
    assert read_whole(root) == set()
    assert blocks(root) < core.INACTIVE_LIMIT * THREADS * _BLOCKS_A_THREAD + core.INACTIVE_LIMIT * 4
