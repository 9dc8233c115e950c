"""The application's operations routes: what they do to its database and to a task's Coral server.

Written as in the application: one row at a time, threads of the own task only.
"""

from datetime import UTC, datetime
from typing import Any, Protocol

import pg8000.native

SOFT_LIMIT_THREADS = 40
_UNHEALTHY_FROM = 0.9
_ACTIVE = """s."endTime" IS NULL AND s."lastActivityAt" > (now() AT TIME ZONE 'UTC') - interval '60 minutes'"""

Answer = dict[str, Any]


class Coral(Protocol):
    """The threads that a task's Coral server holds."""

    def threads(self, pool: str) -> list[str]:
        """List a pool's thread ids."""

    def close(self, pool: str, thread: str) -> bool:
        """Close a thread; False when there is none of this id."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pool_health(database: pg8000.native.Connection, _coral: Coral, pools: list[str]) -> Answer:
    """Count the active threads and sessions of each pool."""
    rows = database.run(
        f"""SELECT s."coralSessionId", count(DISTINCT t."id"), count(DISTINCT s."id")
            FROM "Session" s LEFT JOIN "Thread" t ON t."sessionId" = s."id"
            WHERE {_ACTIVE} GROUP BY 1"""  # noqa: S608
    )
    counts = {pool: (threads, sessions) for pool, threads, sessions in rows}
    statistics = []
    for pool in pools:
        threads, sessions = counts.get(pool, (0, 0))
        statistics.append(
            {
                "poolId": pool,
                "activeThreads": threads,
                "activeSessions": sessions,
                "healthy": threads < SOFT_LIMIT_THREADS * _UNHEALTHY_FROM,
                "loadPercentage": round(100 * threads / SOFT_LIMIT_THREADS),
            }
        )
    summary = {
        "totalThreads": sum(one["activeThreads"] for one in statistics),
        "totalSessions": sum(one["activeSessions"] for one in statistics),
        "healthyPools": sum(one["healthy"] for one in statistics),
        "totalPools": len(pools),
        "averageLoad": round(sum(one["loadPercentage"] for one in statistics) / len(pools)),
        "maxCapacity": SOFT_LIMIT_THREADS * len(pools),
    }
    return {"success": True, "timestamp": _now(), "statistics": {"pools": statistics, "summary": summary}}


def session_cleanup(database: pg8000.native.Connection, coral: Coral, _pools: list[str]) -> Answer:
    """End the sessions idle for over 60 minutes, closing their threads on this task's Coral server."""
    stale = database.run(
        """SELECT "id", "coralSessionId" FROM "Session" WHERE "endTime" IS NULL
           AND "lastActivityAt" < (now() AT TIME ZONE 'UTC') - interval '60 minutes'"""
    )
    for session, pool in stale:
        threads = database.run('SELECT "coralThreadId" FROM "Thread" WHERE "sessionId" = :id', id=session)
        for (thread,) in threads:
            coral.close(pool, thread)
        database.run("""UPDATE "Session" SET "endTime" = now() AT TIME ZONE 'UTC' WHERE "id" = :id""", id=session)
    return {"success": True, "timestamp": _now(), "expiredSessions": len(stale)}


def thread_cleanup(database: pg8000.native.Connection, coral: Coral, pools: list[str]) -> Answer:
    """Close the threads that this task's Coral server holds and the database does not know."""
    by_pool: dict[str, int] = {}
    for pool in pools:
        by_pool[pool] = 0
        for thread in coral.threads(pool):
            known = database.run('SELECT 1 FROM "Thread" WHERE "coralThreadId" = :id LIMIT 1', id=thread)
            if not known:
                by_pool[pool] += coral.close(pool, thread)
    return {"success": True, "timestamp": _now(), "totalOrphaned": sum(by_pool.values()), "byPool": by_pool}


def intermediary_cleanup(_database: pg8000.native.Connection, _coral: Coral, _pools: list[str]) -> Answer:
    """Delete expired intermediate state; the stand-in's agents leave none."""
    return {"success": True, "cleaned": 0, "timestamp": _now()}


def weekly_reset(database: pg8000.native.Connection, _coral: Coral, _pools: list[str]) -> Answer:
    """End the open sessions of past weeks."""
    ended = database.run(
        """UPDATE "Session" SET "endTime" = now() AT TIME ZONE 'UTC'
           WHERE "endTime" IS NULL AND "weekId" < to_char(now() AT TIME ZONE 'UTC', 'IYYY-"W"IW')
           RETURNING "id" """
    )
    return {"success": True, "timestamp": _now(), "endedSessions": len(ended)}


ROUTES = {
    "/api/cron/pool-health": pool_health,
    "/api/cron/session-cleanup": session_cleanup,
    "/api/cron/thread-cleanup": thread_cleanup,
    "/api/cron/intermediary-cleanup": intermediary_cleanup,
    "/api/cron/weekly-reset": weekly_reset,
}
