"""Sessions for session cleanup's tests: adding them, and comparing what was with what is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pg8000.native

_STATE = """
SELECT "id", "endTime", (row_to_json(one)::jsonb - 'endTime')::text,
       "endTime" IS NULL AND "lastActivityAt" < (now() AT TIME ZONE 'UTC') - make_interval(mins => :minutes)
FROM "Session" AS one
"""


@dataclass(frozen=True)
class State:
    """A session as it is: its end, its other columns, and whether it is open and stale."""

    end: datetime | None
    others: str
    is_stale: bool


def states(connection: pg8000.native.Connection, *, minutes: int = 60) -> dict[str, State]:
    return {row[0]: State(*row[1:]) for row in connection.run(_STATE, minutes=minutes)}


def add(
    connection: pg8000.native.Connection,
    count: int,
    *,
    idle: str,
    threads: int = 0,
    pools: int = 5,
    has_ended: bool = False,
) -> list[str]:
    """Add sessions, each with its threads, idle for that long by the database's UTC clock; return their ids."""
    rows = connection.run(
        """
        INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId", "lastActivityAt", "endTime")
        SELECT gen_random_uuid(), 'u', 'pool-' || n % :pools, gen_random_uuid(),
               utc - CAST(:idle AS interval) - n * interval '1 millisecond', CASE WHEN :has_ended THEN utc END
        FROM generate_series(1, :count) AS n, (SELECT now() AT TIME ZONE 'UTC' AS utc) AS clock
        RETURNING "id"
        """,
        pools=pools,
        idle=idle,
        has_ended=has_ended,
        count=count,
    )
    ids = [row[0] for row in rows]
    if threads:
        connection.run(
            """
            INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId")
            SELECT gen_random_uuid(), session, gen_random_uuid(), 'a'
            FROM unnest(CAST(:ids AS text[])) AS session, generate_series(1, :threads)
            """,
            ids=ids,
            threads=threads,
        )
    return ids


def threads_of(connection: pg8000.native.Connection) -> set[tuple[str, str]]:
    """Return pool and Coral's id of every thread."""
    rows: list[Any] = connection.run(
        'SELECT s."coralSessionId", t."coralThreadId" FROM "Thread" t JOIN "Session" s ON s."id" = t."sessionId"'
    )
    return {(pool, thread) for pool, thread in rows}


def clock(connection: pg8000.native.Connection) -> datetime:
    """Return the database's clock in UTC, cut to what the columns hold."""
    sql = "SELECT date_trunc('milliseconds', clock_timestamp() AT TIME ZONE 'UTC')"
    value: datetime = connection.run(sql)[0][0]
    return value
