"""Closing the threads of ended sessions, on Coral servers that work and that fail."""

import time
from contextlib import ExitStack
from unittest import mock

import pytest

from ops_lambdas.session_cleanup import core
from ops_lambdas.shared import fleet
from ops_lambdas.shared.tasks import TasksError
from tests.integration.checks.corals import Corals
from tests.integration.checks.ecs import task
from tests.integration.checks.servers import (
    Behaviour,
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
from tests.integration.checks.session_cleanup.world import World, add, states


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
    assert (result["state"], result["threads_closed"], result["threads_left"]) == ("cleaned", 0, 3)
    assert result["tasks_failed"] == 1
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
    ("behaviour", "is_endless"),
    [
        pytest.param(hangs, False, id="hangs"),
        pytest.param(resets, False, id="resets"),
        pytest.param(closes, False, id="closes"),
        pytest.param(answers(500, {}), False, id="500"),
        pytest.param(answers(302), False, id="302"),
        pytest.param(sends_half(), False, id="half"),
        pytest.param(is_not_http, False, id="not http"),
        pytest.param(drips(), True, id="drips"),
        pytest.param(None, False, id="unreachable"),
    ],
)
def test_a_task_that_does_not_answer_is_counted_and_its_threads_are_left(
    world: World, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour | None, is_endless: bool
) -> None:
    monkeypatch.setattr(fleet, "_ANSWER_SECONDS", 1.0)
    stale = add(world.connection, 12, idle="2 hours", threads=1)
    world.open_threads()
    address = "127.0.0.20"
    world.ecs.tasks.append(task("bad", address))
    # Only a server that always sends and never ends takes all the time.
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


def test_a_task_that_fails_again_and_again_is_given_up(world: World) -> None:
    add(world.connection, 60, idle="2 hours", threads=1)
    world.ecs.tasks.append(task("bad", "127.0.0.20"))
    with serving(answers(500, {}), host="127.0.0.20", port=world.corals.port) as server:
        result = world.run()
    # As many failures as calls at a time; those that are under way then still end.
    tried = [one for one in server.requests if one.method == "DELETE"]
    assert fleet.CALLS_PER_TASK <= len(tried) < 2 * fleet.CALLS_PER_TASK
    assert (result["threads_closed"], result["threads_left"], result["tasks_failed"]) == (0, 60, 1)


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


def test_many_tasks_close_at_once(world: World) -> None:
    add(world.connection, 50, idle="2 hours", threads=2)
    with Corals(20, answer_seconds=0.01) as many:
        world.ecs.tasks = [task(one.id, one.address) for one in many.tasks]
        with mock.patch.dict("os.environ", {"CORAL_PORT": str(many.port)}):
            result = world.run()
        assert (result["threads_closed"], result["tasks"], result["tasks_failed"]) == (100, 20, 0)
        assert all(len(one.closed) + len(one.missed) == 100 for one in many.tasks)
