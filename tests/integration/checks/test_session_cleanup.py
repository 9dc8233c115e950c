"""Session cleanup whole: its handler, a real database, ECS, and Coral servers that behave and that do not."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pg8000.native
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.session_cleanup import core, handler
from ops_lambdas.shared import database as shared_database
from ops_lambdas.shared import fleet
from ops_lambdas.shared.database import Credentials, DatabaseError
from ops_lambdas.shared.lock import LOCK_SPACE
from ops_lambdas.shared.settings import InvalidSettingError
from ops_lambdas.shared.tasks import TasksError
from rehearsal.postgres import Postgres
from tests.integration.checks.corals import Corals
from tests.integration.checks.ecs import Ecs, task
from tests.integration.checks.servers import (
    Behaviour,
    answers,
    answers_after,
    closes,
    drips,
    hangs,
    is_no_http,
    resets,
    sends_half,
    serving,
)
from tests.integration.checks.session_world import add, states, threads_of
from tests.integration.conftest import Database


class World:
    """All that a run meets, and what it told."""

    def __init__(self, connection: pg8000.native.Connection, corals: Corals, ecs: Ecs) -> None:
        self.connection = connection
        self.corals = corals
        self.ecs = ecs
        self.seconds = 120.0
        self.metrics: dict[str, float] = {}
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
            self.metrics = {name: value[0] for line in emf for name, value in line.items() if isinstance(value, list)}
            self.logs = [line for line in written if "_aws" not in line]
        json.dumps(result, allow_nan=False)
        return result


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Iterator[Database]:
    """One database for all tests here, emptied before each: in place of a new one for each."""
    with closing(postgres.connect()) as admin:
        admin.run("CREATE DATABASE sessions_cleanup TEMPLATE application_template OWNER pardon_admin")
        yield Database(postgres, "sessions_cleanup")
        admin.run("DROP DATABASE sessions_cleanup WITH (FORCE)")


@pytest.fixture(autouse=True)
def _emptied(connection: pg8000.native.Connection) -> None:
    connection.run('TRUNCATE "Session" CASCADE')


@pytest.fixture(scope="module")
def corals() -> Iterator[Corals]:
    with Corals(3) as servers:
        yield servers


@pytest.fixture
def world(
    ops_login: Credentials,
    connection: pg8000.native.Connection,
    corals: Corals,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    for one in corals.tasks:
        one.pools.clear()
        one.closed.clear()
        one.missed.clear()
    monkeypatch.setattr(shared_database, "iam_login", lambda _config: ops_login)
    ecs = Ecs([task(one.id, one.address) for one in corals.tasks])
    with serving(ecs) as server:
        variables = {
            "ENVIRONMENT": "rehearsal",
            "DATABASE_HOST": ops_login.host,
            "DATABASE_PORT": str(ops_login.port),
            "DATABASE_NAME": ops_login.database,
            "DATABASE_USER": ops_login.username,
            "ECS_CLUSTER": "pardon-rehearsal-cluster",
            "ECS_SERVICE": "pardon-rehearsal-service",
            "CORAL_PORT": str(corals.port),
            "AWS_ENDPOINT_URL_ECS": server.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "NO_PROXY": "127.0.0.1",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield World(connection, corals, ecs)


def test_idle_sessions_end_and_their_threads_close_on_every_task(world: World) -> None:
    stale = set(add(world.connection, 30, idle="2 hours", threads=2))
    add(world.connection, 10, idle="5 minutes", threads=2)
    world.open_threads()
    active = {
        (pool, thread)
        for pool, thread in threads_of(world.connection)
        if world.connection.run('SELECT "sessionId" FROM "Thread" WHERE "coralThreadId" = :t', t=thread)[0][0]
        not in stale
    }
    assert world.run() == {
        "state": "cleaned",
        "environment": "rehearsal",
        "older_than_minutes": 60,
        "sessions_stale": 30,
        "sessions_ended": 30,
        "sessions_spared": 0,
        "sessions_left": 0,
        "threads_closed": 60,
        "threads_left": 0,
        "tasks": 3,
        "tasks_failed": 0,
    }
    assert {one for one, state in states(world.connection).items() if state.end} == stale
    assert {(pool, thread) for _, pool, thread in world.corals.held()} == active
    assert world.metrics == {
        "SessionsStale": 30,
        "SessionsEnded": 30,
        "SessionsSpared": 0,
        "SessionsLeft": 0,
        "ThreadsClosed": 60,
        "ThreadsLeft": 0,
    }
    (log,) = world.logs
    assert (log["level"], log["result"]["sessions_ended"]) == ("INFO", 30)
    again = world.run()
    assert (again["sessions_stale"], again["threads_closed"], again["tasks"]) == (0, 0, 0)
    assert len(world.ecs.calls) == 2, "without a thread to close, ECS is not asked"


def test_a_dry_run_tells_and_changes_nothing(world: World) -> None:
    add(world.connection, 4, idle="2 hours", threads=1, pools=1)
    world.open_threads()
    before, held = states(world.connection), world.corals.held()
    assert world.run({"dry_run": True}) == {
        "state": "dry_run",
        "environment": "rehearsal",
        "older_than_minutes": 60,
        "sessions_stale": 4,
        "threads": 4,
        "pools": [{"pool": "pool-0", "sessions_stale": 4, "threads": 4}],
    }
    assert (states(world.connection), world.corals.held(), world.metrics) == (before, held, {})


def test_another_age_may_be_asked_for(world: World) -> None:
    add(world.connection, 2, idle="20 minutes")
    add(world.connection, 3, idle="2 hours")
    assert world.run({"older_than_minutes": 180})["sessions_ended"] == 0
    assert world.run({"older_than_minutes": 60})["sessions_ended"] == 3
    assert world.run({"older_than_minutes": 10})["sessions_ended"] == 2


def test_what_is_not_understood_ends_nothing(world: World) -> None:
    add(world.connection, 1, idle="8 days")
    before = states(world.connection)
    age = "older_than_minutes must be a whole number from 10 to 10080 minutes, got"
    for event, message in (
        ({"older_than_minutes": 9}, f"{age} 9"),
        ({"older_than_minutes": 10081}, f"{age} 10081"),
        ({"older_than_minutes": True}, f"{age} True"),
        ({"older_than_minutes": "60"}, f"{age} '60'"),
        ({"dry_run": "yes"}, "dry_run must be true or false, got 'yes'"),
        ({"dryrun": True}, "event must be an object with dry_run, older_than_minutes"),
    ):
        with pytest.raises(InvalidSettingError, match=message):
            world.run(event)
    assert (states(world.connection), world.metrics) == (before, {})


def test_a_second_run_says_that_another_is_at_it(world: World, ops_login: Credentials) -> None:
    add(world.connection, 1, idle="2 hours")
    with shared_database.writing(ops_login, application_name="other") as other:
        assert other.try_lock("session_cleanup")
        assert world.run() == {"state": "already_running", "environment": "rehearsal"}
        assert world.run({"dry_run": True})["state"] == "dry_run"
    deadline = time.monotonic() + 5
    locks = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = :space"
    while world.connection.run(locks, space=LOCK_SPACE) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert world.run()["sessions_ended"] == 1


def test_before_the_application_made_its_tables_that_is_said(world: World) -> None:
    world.connection.run('ALTER TABLE "Session" RENAME TO "Elsewhere"')
    assert world.run() == {"state": "tables_missing", "environment": "rehearsal"}
    assert world.metrics == {}
    assert world.run({"dry_run": True})["state"] == "tables_missing"
    world.connection.run('ALTER TABLE "Elsewhere" RENAME TO "Session"')


@pytest.mark.parametrize(
    ("behaviour", "is_endless"),
    [
        pytest.param(hangs, False, id="hangs"),
        pytest.param(resets, False, id="resets"),
        pytest.param(closes, False, id="closes"),
        pytest.param(answers(500, {}), False, id="500"),
        pytest.param(answers(302), False, id="302"),
        pytest.param(sends_half(), False, id="half"),
        pytest.param(is_no_http, False, id="no http"),
        pytest.param(drips(), True, id="drips"),
        pytest.param(None, False, id="nobody"),
    ],
)
def test_a_task_that_does_not_answer_is_counted_and_its_threads_are_left(
    world: World, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour | None, is_endless: bool
) -> None:
    monkeypatch.setattr(fleet, "_ANSWER_SECONDS", 0.2)
    stale = add(world.connection, 12, idle="2 hours", threads=1)
    world.open_threads()
    address = "127.0.0.20"
    world.ecs.tasks.append(task("bad", address))
    # Only what is never silent and never done takes until the end.
    world.seconds = core.RESERVED_SECONDS + (3 if is_endless else 30)
    with ExitStack() as stack:
        if behaviour:
            stack.enter_context(serving(behaviour, host=address, port=world.corals.port))
        start = time.monotonic()
        result = world.run()
    assert time.monotonic() - start < 10
    assert all(states(world.connection)[one].end for one in stale)
    assert (result["threads_closed"], result["threads_left"], result["tasks"], result["tasks_failed"]) == (0, 12, 4, 1)
    assert world.corals.held() == set(), "the other tasks' are closed"
    assert world.metrics["ThreadsLeft"] == 12
    (warning,) = [log for log in world.logs if log["level"] == "WARNING"]
    assert list(warning["reasons"]) == [address]


def test_a_slow_task_takes_its_time_and_no_more(world: World) -> None:
    add(world.connection, 100, idle="2 hours", threads=1)
    world.ecs.tasks.append(task("slow", "127.0.0.20"))
    world.seconds = core.RESERVED_SECONDS + 2.5
    with serving(answers_after(0.3, answers(200, {})), host="127.0.0.20", port=world.corals.port):
        start = time.monotonic()
        result = world.run()
    assert time.monotonic() - start < 6
    assert result["sessions_ended"] == 100
    assert 0 < result["threads_closed"] < 100
    assert result["threads_closed"] + result["threads_left"] == 100


def test_when_ecs_refuses_sessions_are_ended_and_the_check_fails(world: World) -> None:
    add(world.connection, 3, idle="2 hours", threads=2)
    world.ecs.error = "AccessDeniedException"
    with pytest.raises(TasksError):
        world.run()
    assert all(state.end for state in states(world.connection).values())
    assert (world.metrics["SessionsEnded"], world.metrics["ThreadsLeft"]) == (3, 6)


def test_without_a_running_task_no_thread_is_left(world: World) -> None:
    add(world.connection, 3, idle="2 hours", threads=2)
    world.ecs.tasks = [task("starting", None, status="PENDING")]
    result = world.run()
    assert (result["threads_closed"], result["threads_left"], result["tasks"]) == (6, 0, 0)
    add(world.connection, 3, idle="2 hours", threads=2)
    world.ecs.tasks = [task("hidden", None)]
    result = world.run()
    assert (result["threads_closed"], result["threads_left"], result["tasks_failed"]) == (0, 6, 1)


def test_when_time_is_short_what_is_left_is_told_and_ended_later(world: World) -> None:
    add(world.connection, core.BATCH_SESSIONS + 10, idle="2 hours")
    world.seconds = core.RESERVED_SECONDS
    result = world.run()
    assert (result["state"], result["sessions_ended"], result["sessions_left"]) == ("cleaned", 0, 2010)
    assert (world.metrics["SessionsStale"], world.metrics["SessionsLeft"]) == (2010, 2010)
    world.seconds = 120
    assert (world.run()["sessions_ended"], world.run()["sessions_stale"]) == (2010, 0)


def test_more_threads_than_a_run_closes_are_left_and_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "MAX_THREADS", 15)
    add(world.connection, 20, idle="2 hours", threads=1)
    result = world.run()
    assert (result["sessions_ended"], result["threads_closed"], result["threads_left"]) == (20, 15, 5)


def test_ids_that_mean_something_else_in_a_url_are_left_and_the_others_closed(world: World) -> None:
    (session,) = add(world.connection, 1, idle="2 hours", pools=1)
    odd = ["", ".", "..", "a\nb", "x" * 5000, *(f"\x01{n}" for n in range(20))]
    usable = ["a/b", "ä?b#c", "%2e%2e", "NULL", '"', "{}", "a\\b"]
    for number, coral_id in enumerate([*odd, *usable]):
        sql = """INSERT INTO "Thread" VALUES (:id, :session, :coral_id, 'a')"""
        world.connection.run(sql, id=str(number), session=session, coral_id=coral_id)
    world.open_threads()
    result = world.run()
    assert (result["threads_closed"], result["threads_left"], result["tasks_failed"]) == (len(usable), len(odd), 0)
    assert {thread for _, _, thread in world.corals.closed()} == set(usable)


def test_what_was_ended_before_the_database_failed_is_told_and_closed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops_lambdas.session_cleanup.access.end_stale.__kwdefaults__", {"batch_sessions": 10})
    add(world.connection, 20, idle="2 hours", threads=1)
    world.open_threads()
    real = core.Sessions.add

    def add_and_cut(self: core.Sessions, batch: core.Batch) -> core.Sessions:
        sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'session_cleanup'"
        world.connection.run(sql)
        return real(self, batch)

    monkeypatch.setattr(core.Sessions, "add", add_and_cut)
    with pytest.raises(DatabaseError):
        world.run()
    ended = [state for state in states(world.connection).values() if state.end]
    assert len(ended) == world.metrics["SessionsEnded"] == world.metrics["ThreadsClosed"] == 10
    assert len(world.corals.held()) == 10


def test_many_tasks_close_at_once(world: World) -> None:
    add(world.connection, 50, idle="2 hours", threads=2)
    with Corals(20, answer_seconds=0.01) as many:
        world.ecs.tasks = [task(one.id, one.address) for one in many.tasks]
        with mock.patch.dict("os.environ", {"CORAL_PORT": str(many.port)}):
            result = world.run()
        assert (result["threads_closed"], result["tasks"], result["tasks_failed"]) == (100, 20, 0)
        assert all(len(one.closed) + len(one.missed) == 100 for one in many.tasks)
