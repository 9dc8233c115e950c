"""Sessions for pool health to count, and reading what it published."""

from typing import Any, cast

import pg8000.native

from ops_lambdas.pool_health.report import Measured, PoolHealthResult


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
          RETURNING "id", "lastActivityAt"
        )
        INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId", "createdAt")
        SELECT gen_random_uuid(), "id", gen_random_uuid(), 'agent-cz', "lastActivityAt"
        FROM session, generate_series(1, :threads)
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
