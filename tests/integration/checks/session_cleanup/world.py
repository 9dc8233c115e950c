"""Where session cleanup runs: sessions to add and compare, ending them, and the check as its Lambda runs it."""

import json
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pg8000.native
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.session_cleanup import core, handler
from ops_lambdas.session_cleanup.access import end_stale
from ops_lambdas.shared.database import Credentials, Writer, writing
from tests.integration.checks.corals import Corals
from tests.integration.checks.ecs import Ecs

_STATE = """
SELECT "id", "endTime", (row_to_json(one)::jsonb - 'endTime')::text,
       "endTime" IS NULL AND "lastActivityAt" < since
       AND NOT EXISTS (SELECT FROM "Thread" AS t WHERE t."sessionId" = one."id" AND t."createdAt" >= since)
       AND NOT EXISTS (SELECT FROM "Thread" AS t JOIN "Message" AS m ON m."threadId" = t."id"
                       WHERE t."sessionId" = one."id" AND (m."createdAt" >= since OR m."timestamp" >= since))
FROM "Session" AS one, (SELECT (now() AT TIME ZONE 'UTC') - make_interval(mins => :minutes) AS since) AS clock
"""


@dataclass(frozen=True)
class State:
    """A session: its end, its other columns, and whether it is open and stale."""

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
    said: str | None = None,
) -> list[str]:
    """Add sessions, each with its threads, idle for that long by the database's UTC clock; return their ids.

    Args:
        said: how old a message in each thread is.
    """
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
            INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId", "createdAt")
            SELECT gen_random_uuid(), "id", gen_random_uuid(), 'a', "lastActivityAt"
            FROM unnest(CAST(:ids AS text[])) AS session, "Session", generate_series(1, :threads)
            WHERE "id" = session
            """,
            ids=ids,
            threads=threads,
        )
    if said is not None:
        say(connection, ids, said)
    return ids


def say(connection: pg8000.native.Connection, sessions: list[str], ago: str) -> None:
    """Send a message in each thread of the sessions, that long ago by one of its two times."""
    connection.run(
        """
        INSERT INTO "Message" ("id", "threadId", "senderId", "content", "timestamp", "createdAt")
        SELECT gen_random_uuid(), "id", 'user', '', utc - CASE WHEN n > 1 THEN ago ELSE interval '1 year' END,
               utc - CASE WHEN n > 1 THEN interval '1 year' ELSE ago END
        FROM (SELECT now() AT TIME ZONE 'UTC' AS utc, CAST(:ago AS interval) AS ago) AS clock,
             (SELECT "id", row_number() OVER () % 3 AS n FROM "Thread"
              WHERE "sessionId" = ANY(CAST(:sessions AS text[]))) AS thread
        """,
        ago=ago,
        sessions=sessions,
    )


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


@contextmanager
def ops_writing(login: Credentials, **options: Any) -> Iterator[Writer]:
    with writing(login, application_name="session_cleanup", **options) as writer:
        yield writer


def end(login: Credentials, *, minutes: int = 60, batch: int = 7) -> core.Sessions:
    with ops_writing(login) as writer:
        *_, last = end_stale(writer, older_than_minutes=minutes, batch_sessions=batch)
    return last


def ended_rightly(before: dict[str, State], after: dict[str, State], *, touched: Collection[str] = ()) -> set[str]:
    """Check what must hold for every session, and return those that were ended."""
    assert before.keys() == after.keys(), "a row was added or removed"
    ended = {one for one in before if before[one].end != after[one].end}
    assert all(before[one].end is None for one in ended), "an end was moved"
    assert all(before[one].is_stale for one in ended), "an active session was ended"
    assert all(before[one].others == after[one].others for one in before.keys() - set(touched)), (
        "another column changed"
    )
    return ended


class World:
    """What a run works on, and what it wrote."""

    def __init__(self, connection: pg8000.native.Connection, corals: Corals, ecs: Ecs) -> None:
        self.connection = connection
        self.corals = corals
        self.ecs = ecs
        self.seconds = 120.0
        self.metrics: Counter[str] = Counter()  # what is zero is not published
        self.logs: list[dict[str, Any]] = []

    def open_threads(self) -> None:
        """Open each thread of the table on one of the tasks, as the application does."""
        for number, (pool, thread) in enumerate(sorted(threads_of(self.connection))):
            self.corals.tasks[number % len(self.corals.tasks)].open(pool, thread)

    def run(self, event: object = None) -> Any:
        lines: list[str] = []
        stream = SimpleNamespace(write=lines.append, flush=lambda: None)
        end = time.monotonic() + self.seconds
        context = SimpleNamespace(
            function_name="pardon-rehearsal-session-cleanup",
            memory_limit_in_mb="256",
            invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:pardon-rehearsal-session-cleanup",
            aws_request_id="6bc28136-xmpl-4365-b021-0ce6b2e64ab0",
            get_remaining_time_in_millis=lambda: int((end - time.monotonic()) * 1000),
        )
        try:
            with (
                mock.patch.object(handler.logger.handlers[0], "stream", stream),
                mock.patch.object(sys, "stdout", stream),
            ):
                result = handler.handler(event, cast(LambdaContext, context))
        finally:
            written = [json.loads(line) for line in "".join(lines).splitlines()]
            emf = [line for line in written if "_aws" in line]
            assert len(emf) <= 1
            numbers = {name: value[0] for line in emf for name, value in line.items() if isinstance(value, list)}
            self.metrics = Counter(numbers)
            self.logs = [line for line in written if "_aws" not in line]
        json.dumps(result, allow_nan=False)
        return result
