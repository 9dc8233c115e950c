"""Where thread cleanup runs end to end: a real database, tasks with Coral servers, and an ECS that knows them."""

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pg8000.native
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.shared import database as shared_database
from ops_lambdas.shared.database import Credentials
from ops_lambdas.thread_cleanup import handler
from ops_lambdas.thread_cleanup.cleanup import Cleanup
from ops_lambdas.thread_cleanup.report import Cleaned, ThreadCleanupResult
from tests.integration.checks.corals import Corals
from tests.integration.checks.ecs import Ecs, task
from tests.integration.checks.servers import serving
from tests.integration.checks.variables import of_a_cleanup
from tests.integration.conftest import Database

POOLS = ("pool-0", "pool-1")


class World:
    """What a run works on, and what it wrote.

    Attributes:
        seconds: until the function's timeout, when a run begins.
        grace_seconds: of the next runs; what is "old" in the database is far older.
    """

    def __init__(self, database: Database, corals: Corals, ecs: Ecs, connection: pg8000.native.Connection) -> None:
        self.database = database
        self.corals = corals
        self.ecs = ecs
        self.connection = connection
        self.seconds = 60.0
        self.grace_seconds = 0.1
        self.metrics: Counter[str] = Counter()  # what is zero is not published
        self.logs: list[dict[str, Any]] = []
        self._written: list[str] = []

    def record(self, *threads: str, ended: str | None = None, made: str = "2 days", session: str | None = None) -> str:
        """Record threads in one session, which ended that long ago or is open; return the session's id."""
        session = session or self._session(ended)
        self.connection.run(
            """INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId", "createdAt")
               SELECT gen_random_uuid(), :session, thread, 'a', (now() AT TIME ZONE 'UTC') - CAST(:made AS interval)
               FROM json_array_elements_text(CAST(:threads AS json)) AS thread""",
            session=session,
            threads=json.dumps(threads),
            made=made,
        )
        return session

    def _session(self, ended: str | None) -> str:
        ((session,),) = self.connection.run(
            """INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId", "endTime")
               VALUES (gen_random_uuid(), 'u', 'pool-0', gen_random_uuid(),
                       (now() AT TIME ZONE 'UTC') - CAST(:ended AS interval))
               RETURNING "id" """,
            ended=ended,
        )
        return str(session)

    def in_grace_period(self, do: Callable[[], object], *, after_seconds: float = 0.02) -> None:
        """Do something in the grace period of the next run: shortly after the last task's last pool is listed."""

        def on_request(method: str, target: str) -> None:
            if method == "GET" and target.endswith(f"/{POOLS[-1]}/threads"):
                threading.Timer(after_seconds, do).start()

        self.corals.tasks[-1].on_request = on_request

    def run(self, event: object = None) -> ThreadCleanupResult:
        """Run the check as its Lambda does."""
        lines: list[str] = []
        stream = SimpleNamespace(write=lines.append, flush=lambda: None)
        context = SimpleNamespace(
            function_name="pardon-rehearsal-thread-cleanup",
            memory_limit_in_mb="512",
            invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:pardon-rehearsal-thread-cleanup",
            aws_request_id="6bc28136-xmpl-4365-b021-0ce6b2e64ab0",
            get_remaining_time_in_millis=lambda: self.seconds * 1000,
        )
        try:
            with (
                mock.patch.object(handler, "Cleanup", partial(Cleanup, grace_seconds=self.grace_seconds)),
                mock.patch.object(handler.logger.handlers[0], "stream", stream),
                mock.patch.object(sys, "stdout", stream),
            ):
                result: ThreadCleanupResult = handler.handler(event, cast(LambdaContext, context))
        finally:
            written = [json.loads(line) for line in "".join(lines).splitlines()]
            emf = [line for line in written if "_aws" in line]
            assert len(emf) <= 1
            for line in emf:
                assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Environment"]]
                assert line["Environment"] == "rehearsal"
            numbers = {name: value[0] for line in emf for name, value in line.items() if isinstance(value, list)}
            self.metrics, self.logs = Counter(numbers), [line for line in written if "_aws" not in line]
        json.dumps(result, allow_nan=False)
        return result

    def cleaned(self, event: object = None) -> Cleaned:
        """Run, and return the result of a run that looked up all threads."""
        result = self.run(event)
        assert result["state"] == "cleaned" or result["state"] == "dry_run"
        return result

    def fails(self, kind: type[Exception], message: str, event: object = None) -> None:
        """Run, and have it end with this error."""
        with pytest.raises(kind, match=message):
            self.run(event)


def closed(world: World) -> set[str]:
    """Return the ids of the threads that were closed on any task."""
    return {thread for _, _, thread in world.corals.closed()}


def ids(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


@contextmanager
def worlds(
    database: Database, monkeypatch: pytest.MonkeyPatch, *, tasks: int, pools: Iterable[str] = POOLS
) -> Iterator[World]:
    """Make a world with this many tasks."""
    connection = database.connect()
    for table in ("Message", "Thread", "Session", "User"):  # quicker than TRUNCATE for a few rows
        connection.run(f'DELETE FROM "{table}"')
    connection.run("""INSERT INTO "User" ("id", "walletAddress", "username") VALUES ('u', 'w', 'n')""")
    login = Credentials(
        host=database.server.host,
        port=database.server.port,
        database=database.name,
        username=database.user,
        password=database.password,
    )
    monkeypatch.setattr(shared_database, "iam_login", lambda _config: login)
    with Corals(tasks) as corals:
        ecs = Ecs([task(one.id, one.address) for one in corals.tasks])
        with serving(ecs) as server:
            variables = {
                **of_a_cleanup(login, coral_port=corals.port, ecs_url=server.url),
                "DATABASE_USER": "pardon_ops",
                "POOLS": ",".join(pools),
                "PGSSLROOTCERT": str(database.server.ca_file),
            }
            for name, value in variables.items():
                monkeypatch.setenv(name, value)
            yield World(database, corals, ecs, connection)
    connection.close()
