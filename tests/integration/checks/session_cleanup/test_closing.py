"""Closing the threads of ended sessions, on Coral servers that work and that fail."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from unittest import mock

import pytest

from ops_lambdas.session_cleanup import core
from ops_lambdas.shared import closing, fleet
from ops_lambdas.shared.coral import Closing, Coral
from ops_lambdas.shared.database import DatabaseError
from ops_lambdas.shared.tasks import TasksError
from ops_lambdas.shared.thread_records import ThreadRecords
from tests.integration.checks.corals import Corals
from tests.integration.checks.ecs import task
from tests.integration.checks.servers import (
    Behaviour,
    Exchange,
    answers,
    answers_after,
    closes,
    drips,
    hangs,
    in_turn,
    is_not_http,
    resets,
    sends_half,
    serving,
)
from tests.integration.checks.session_cleanup.world import World, add, states, threads_of


def test_without_the_threads_api_sessions_are_ended_and_threads_said_to_be_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = add(world.connection, 3, idle="2 hours", threads=2)
    world.open_threads()
    for one in world.corals.tasks:
        monkeypatch.setattr(one, "has_threads_api", False)
    result = world.run()
    assert all(states(world.connection)[one].end for one in stale)
    assert (result["state"], result["threads_closed"], result["threads_left"]) == ("no_threads_api", 0, 6)
    assert (world.metrics["ThreadsClosed"], world.metrics["ThreadsLeft"]) == (0, 6)
    assert [log["level"] for log in world.logs] == ["WARNING", "INFO"]


def test_a_task_without_the_threads_api_beside_others_has_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add(world.connection, 3, idle="2 hours", threads=1)
    world.open_threads()
    monkeypatch.setattr(world.corals.tasks[0], "has_threads_api", False)
    result = world.run()
    assert (result["state"], result["threads_closed"], result["threads_left"]) == ("cleaned", 2, 1)
    assert (result["tasks_failed"], result["is_complete"]) == (1, False)
    assert result["tasks_without_pools"] == [world.corals.tasks[0].id]
    assert {task for task, _, _ in world.corals.held()} == {world.corals.tasks[0].id}, "the other tasks' are closed"


def test_a_server_that_has_no_pool_yet_has_closed_its_threads(world: World) -> None:
    """A task that has just started answers 404 to a pool that nobody has used on it, and lists others."""
    add(world.connection, 4, idle="2 hours", threads=1, pools=1)
    world.open_threads()
    new = "127.0.0.20"
    world.ecs.tasks.append(task("new", new))
    lists = in_turn(answers(404), answers(200, []), answers(404))
    with serving(lists, host=new, port=world.corals.port):
        result = world.run()
    assert (result["state"], result["threads_closed"], result["threads_left"]) == ("cleaned", 4, 0)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(hangs, id="hangs"),
        pytest.param(resets, id="resets"),
        pytest.param(closes, id="closes"),
        pytest.param(answers(500, {}), id="500"),
        pytest.param(answers(302), id="302"),
        pytest.param(sends_half(), id="half"),
        pytest.param(is_not_http, id="not http"),
        pytest.param(drips(), id="drips"),
        pytest.param(None, id="unreachable"),
    ],
)
def test_a_task_that_does_not_answer_is_counted_and_its_threads_are_left(
    world: World, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour | None
) -> None:
    for module in (fleet, closing):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 1.0)
    stale = add(world.connection, 12, idle="2 hours", threads=1)
    world.open_threads()
    address = "127.0.0.20"
    world.ecs.tasks.append(task("bad", address))
    with ExitStack() as stack:
        if behaviour:
            stack.enter_context(serving(behaviour, host=address, port=world.corals.port))
        start = time.monotonic()
        result = world.run()
    assert time.monotonic() - start < 10
    assert all(states(world.connection)[one].end for one in stale)
    assert (result["threads_closed"], result["threads_left"], result["tasks"], result["tasks_failed"]) == (12, 0, 4, 1)
    assert (world.corals.held(), result["is_complete"]) == (set(), False), "the other tasks' are closed"
    add(world.connection, 3, idle="2 hours", threads=1)
    assert world.run()["threads_left"] == 3, "no task that answers holds them, so the other may"
    (warning,) = [log for log in world.logs if log["level"] == "WARNING"]
    assert address in warning["reasons"][0]


def lists_then(threads: list[str], behaviour: Behaviour, *, pool: str) -> Behaviour:
    """Answer each list with the same threads of a pool, and behave so when one is to be closed."""

    def behave(exchange: Exchange) -> None:
        is_pool = exchange.request.target.endswith(f"/{pool}/threads")
        (answers(200, threads if is_pool else []) if exchange.request.method == "GET" else behaviour)(exchange)

    return behave


def test_a_task_that_fails_again_and_again_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "_MAX_FAILURES", 9)
    add(world.connection, 60, idle="2 hours", threads=1, pools=1)
    world.ecs.tasks.append(task("bad", "127.0.0.20"))
    threads = [thread for _, thread in threads_of(world.connection)]
    behaviour = lists_then(threads, answers(500, {}), pool="pool-0")
    with serving(behaviour, host="127.0.0.20", port=world.corals.port) as server:
        result = world.run()
    # Those that are under way then still end.
    tried = [one for one in server.requests if one.method == "DELETE"]
    assert 9 <= len(tried) < 9 + fleet.CALLS_PER_TASK
    assert (result["threads_closed"], result["threads_left"], result["tasks_failed"]) == (0, 60, 1)


def test_a_slow_task_takes_its_time_and_no_more(world: World) -> None:
    add(world.connection, 100, idle="2 hours", threads=1, pools=1)
    world.ecs.tasks.append(task("slow", "127.0.0.20"))
    world.seconds = core.RESERVED_SECONDS + 2.5
    threads = [thread for _, thread in threads_of(world.connection)]
    behaviour = lists_then(threads, answers_after(0.3, answers(404)), pool="pool-0")
    with serving(behaviour, host="127.0.0.20", port=world.corals.port):
        start = time.monotonic()
        result = world.run()
    assert time.monotonic() - start < 6
    assert result["sessions_ended"] == 100
    assert result["threads_closed"] + result["threads_left"] == 100
    assert result["threads_left"] > 0


@pytest.mark.parametrize("status", [200, 404])
def test_a_task_that_says_closed_and_goes_on_listing_has_failed(world: World, status: int) -> None:
    add(world.connection, 5, idle="2 hours", threads=1, pools=1)
    world.ecs.tasks.append(task("lies", "127.0.0.20"))
    threads = [thread for _, thread in threads_of(world.connection)]
    behaviour = lists_then(threads, answers(status), pool="pool-0")
    with serving(behaviour, host="127.0.0.20", port=world.corals.port):
        result = world.run()
    assert (result["threads_closed"], result["threads_left"], result["threads_still_listed"]) == (0, 5, 5)
    assert (result["tasks_failed"], result["is_complete"]) == (1, False)


def test_a_thread_that_is_listed_in_another_pool_is_closed_there(world: World) -> None:
    add(world.connection, 2, idle="2 hours", threads=1, pools=1)
    ((pool, first), (_, second)) = sorted(threads_of(world.connection))
    world.corals.tasks[0].open("pool-1", first)
    world.corals.tasks[1].open(pool, second)
    result = world.run()
    assert (result["threads_closed"], result["is_complete"], world.corals.held()) == (2, True, set())


def test_a_thread_that_an_active_session_shares_stays(world: World) -> None:
    add(world.connection, 2, idle="2 hours", threads=1, pools=1)
    (active,) = add(world.connection, 1, idle="1 minute", pools=1)
    ((pool, shared), _) = sorted(threads_of(world.connection))
    sql = """INSERT INTO "Thread" VALUES ('shared', :session, :thread, 'a', '2020-01-01')"""
    world.connection.run(sql, session=active, thread=shared)
    world.open_threads()
    result = world.run()
    assert (result["threads_closed"], result["threads_spared"], result["threads_left"]) == (1, 1, 0)
    assert {(name, thread) for _, name, thread in world.corals.held()} == {(pool, shared)}


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


def test_more_threads_than_a_run_closes_are_left_and_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "MAX_THREADS", 15)
    add(world.connection, 20, idle="2 hours", threads=1)
    result = world.run()
    assert (result["sessions_ended"], result["threads_closed"], result["threads_left"]) == (20, 15, 5)


def test_any_characters_in_an_id_mean_the_same_to_coral_and_to_the_database(world: World) -> None:
    (session,) = add(world.connection, 1, idle="2 hours", pools=1)
    odd = ["", ".", "..", "a\nb", "x" * 5000, *(f"\x01{n}" for n in range(20))]
    usable = ["a/b", "ä?b#c", "%2e%2e", "NULL", '"', "{}", "a\\b"]
    for number, coral_id in enumerate([*odd, *usable]):
        sql = """INSERT INTO "Thread" VALUES (:id, :session, :coral_id, 'a', '2020-01-01')"""
        world.connection.run(sql, id=str(number), session=session, coral_id=coral_id)
    world.corals.tasks[0].open("pool-0", *usable)
    result = world.run()
    assert (result["threads_closed"], result["threads_left"], result["is_complete"]) == (len(usable + odd), 0, True)
    assert {thread for _, _, thread in world.corals.closed()} == set(usable)
    assert world.corals.tasks[0].missed == [], "what no task lists is not asked for"


def test_many_tasks_close_at_once(world: World) -> None:
    add(world.connection, 50, idle="2 hours", threads=2)
    with Corals(20, answer_seconds=0.01) as many:
        world.ecs.tasks = [task(one.id, one.address) for one in many.tasks]
        for number, (pool, thread) in enumerate(threads_of(world.connection)):
            many.tasks[number % 20].open(pool, thread)
        with mock.patch.dict("os.environ", {"CORAL_PORT": str(many.port)}):
            result = world.run()
        assert (result["threads_closed"], result["tasks"], result["tasks_failed"]) == (100, 20, 0)
        assert (many.held(), [one.missed for one in many.tasks]) == (set(), [[]] * 20)


@pytest.fixture
def fails_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check's connection is cut at the first question after a thread was closed."""
    over, close, has_closed, one_at_a_time = ThreadRecords.over, Coral.close, threading.Event(), threading.Lock()

    def close_and_tell(self: Coral, pool: str, thread: str, *, may_send: Callable[[], bool]) -> Closing:
        answer = close(self, pool, thread, may_send=may_send)
        if answer.outcome == "closed":
            has_closed.set()
        return answer

    def over_until_cut(self: ThreadRecords, threads: Sequence[str]) -> Collection[str]:
        if has_closed.is_set():
            sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'session_cleanup'"
            with one_at_a_time:
                world.connection.run(sql)
        return over(self, threads)

    monkeypatch.setattr(Coral, "close", close_and_tell)
    monkeypatch.setattr(ThreadRecords, "over", over_until_cut)


@pytest.mark.usefixtures("fails_meanwhile")
def test_what_was_closed_before_the_database_failed_is_published_as_closed(world: World) -> None:
    add(world.connection, 300, idle="2 hours", threads=1)
    for pool, thread in threads_of(world.connection):
        world.corals.tasks[0].open(pool, thread)
    with pytest.raises(DatabaseError):
        world.run()
    closed = 300 - len(world.corals.held())
    assert 0 < closed < 300
    assert world.metrics["ThreadsClosed"] == closed
    assert world.metrics["ThreadsLeft"] == 300 - closed


@pytest.mark.usefixtures("fails_meanwhile")
def test_what_a_task_only_says_is_closed_is_not_published_as_closed_when_the_database_fails(world: World) -> None:
    add(world.connection, 300, idle="2 hours", threads=1, pools=1)
    threads = [thread for _, thread in threads_of(world.connection)]
    world.ecs.tasks = [task("lies", "127.0.0.20")]
    behaviour = lists_then(threads, answers(200), pool="pool-0")
    with serving(behaviour, host="127.0.0.20", port=world.corals.port), pytest.raises(DatabaseError):
        world.run()
    assert (world.metrics["ThreadsClosed"], world.metrics["ThreadsLeft"]) == (0, 300)
    assert "still lists it" in str(world.logs)
