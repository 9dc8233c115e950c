"""Cleaning 10,000 threads on ten tasks, each answering in 20 ms, against closing them one at a time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import pytest

from benchmarks.comparison import Comparison, Result, SideError
from ops_lambdas.shared import database
from ops_lambdas.shared.closing import JUSTIFIED_SECONDS
from ops_lambdas.shared.coral import Coral
from ops_lambdas.shared.http import HttpClient
from ops_lambdas.shared.tasks import Task, Tasks
from ops_lambdas.thread_cleanup import cleanup
from ops_lambdas.thread_cleanup.settings import Options, Settings
from rehearsal import ROOT
from rehearsal.postgresql.server import Postgres
from rehearsal.stand_in import TABLES_SQL
from tests.integration.checks.sent import recorded

MIN_TIMES_FASTER = 15
THREADS = 10_000
TASKS = 10
ANSWER_SECONDS = 0.02
# One at a time is timed on one thread in a hundred, over one kept connection, without listing and lookups; all of
# them take a hundred times as long.
SAMPLE = 100
POOLS = ("pool-0", "pool-1", "pool-2", "pool-3", "pool-4")
# The real grace period is only waiting, so it is left out.
_GRACE_SECONDS = 0.001

# Two threads in five are unknown, the others' session has ended.
_FILL = """
WITH "user" AS (
  INSERT INTO "User" ("id", "walletAddress", "username") VALUES ('u', 'w', 'n') RETURNING "id"
), session AS (
  INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId", "endTime")
  SELECT 's', "id", 'pool-0', 'week', (now() AT TIME ZONE 'UTC') - interval '1 day' FROM "user" RETURNING "id"
)
INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId", "createdAt")
SELECT 't' || n, session."id", 'thread-' || n, 'a', (now() AT TIME ZONE 'UTC') - interval '2 days'
FROM session, generate_series(0, CAST(:threads AS int) - 1) AS n
WHERE n % 5 > 1
"""


@dataclass(frozen=True)
class _Corals:
    """Coral servers in their own process, filled again before each run."""

    process: "subprocess.Popen[str]"
    port: int
    tasks: tuple[Task, ...]

    def fill(self) -> None:
        assert self.process.stdin and self.process.stdout  # noqa: S101, PT018
        self.process.stdin.write("fill\n")
        self.process.stdin.flush()
        self.process.stdout.readline()


@contextmanager
def thread_cleanup() -> Iterator[Comparison]:
    """All of them, against closing them one at a time."""
    with _world() as corals:
        yield Comparison(
            name="thread cleanup of 10,000 threads on 10 tasks / one at a time",
            ours=lambda: _clean(corals),
            baseline=lambda: _close_one_at_a_time(corals),
            prepare_ours=corals.fill,
            prepare_baseline=corals.fill,
            baseline_times=SAMPLE,
            bound=1 / MIN_TIMES_FASTER,
            rounds=3,
        )


def latest_delete() -> Result:
    """How long after the database's answer the latest DELETE of such a run is sent, against what is promised."""
    with _world() as corals, pytest.MonkeyPatch.context() as patch:
        corals.fill()
        sent = recorded(patch)
        _clean(corals)
        return Result(
            name="latest DELETE of 10,000 after the database's answer / 250 ms",
            seconds=sent.slowest(),
            baseline_seconds=JUSTIFIED_SECONDS,
            bound=1,
            rounds=1,
        )


@contextmanager
def _world() -> Iterator["_Corals"]:
    """A run's world as in the Lambda, with a real database; only AWS's answers are recorded."""
    with TemporaryDirectory() as name, Postgres(Path(name) / "postgres") as server, _corals() as corals:
        connection = server.connect()
        connection.run(TABLES_SQL.read_text())
        connection.run(_FILL, threads=THREADS)
        connection.run("VACUUM ANALYZE")
        with (
            closing(connection),
            mock.patch.dict(os.environ, {"PGSSLROOTCERT": str(server.ca_file)}),
            mock.patch.object(database, "iam_login", return_value=_login(server)),
            mock.patch.object(cleanup, "service_tasks", return_value=Tasks(corals.tasks)),
        ):
            yield corals


def _clean(corals: _Corals) -> None:
    config = Settings(
        environment="benchmark",
        database_host="unused",
        database_port=1,
        database_name="unused",
        database_user="unused",
        ecs_cluster="unused",
        ecs_service="unused",
        coral_port=corals.port,
        pools=POOLS,
    )
    one = cleanup.Cleanup(config, Options(), seconds=300, grace_seconds=_GRACE_SECONDS)
    state = one.run()
    if state != "cleaned" or one.progress.closings.counts["closed"] != THREADS:
        raise SideError(f"{THREADS} threads were to be closed, got {state}: {one.progress.closings.counts}")


def _close_one_at_a_time(corals: _Corals) -> None:
    with HttpClient(seconds=300) as client:
        coral = Coral(client, corals.tasks[0].address, corals.port)
        for number in range(0, THREADS // SAMPLE * TASKS, TASKS):  # the first task's
            pool = POOLS[number // TASKS % len(POOLS)]
            closed = coral.close(pool, f"thread-{number}")
            if closed.outcome != "closed":
                raise SideError(f"thread-{number} was to be closed, got {closed}")


def _login(server: Postgres) -> database.Credentials:
    return database.Credentials(
        host=server.host, port=server.port, database="postgres", username="postgres", password=server.admin_password
    )


@contextmanager
def _corals() -> Iterator[_Corals]:
    command = [sys.executable, "-m", "tests.integration.checks.corals", "--tasks", str(TASKS)]
    command += ["--threads", str(THREADS), "--answer-seconds", str(ANSWER_SECONDS), "--pools", ",".join(POOLS)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout  # noqa: S101, PT018
        facts = json.loads(process.stdout.readline() or '{"port": 0, "addresses": {}}')
        if not facts["port"]:
            raise SideError("the Coral servers did not start")
        yield _Corals(process, facts["port"], tuple(Task(*pair) for pair in facts["addresses"].items()))
        process.stdin.close()  # ends it
