"""Thread cleanup on tasks that are gone, do not answer or answer badly, and within its time."""

import time

import pytest

from ops_lambdas.shared import closing, fleet
from ops_lambdas.shared.fleet import CALLS_PER_TASK
from ops_lambdas.shared.tasks import TasksError
from ops_lambdas.thread_cleanup import cleanup
from ops_lambdas.thread_cleanup.cleanup import NoThreadsListedError, OutOfTimeError
from tests.integration.checks import servers
from tests.integration.checks.ecs import task
from tests.integration.checks.servers import Behaviour, Exchange, answers, serving
from tests.integration.checks.thread_cleanup.world import World, closed, ids


def test_a_task_that_has_gone_is_counted_and_the_others_are_cleaned(world: World) -> None:
    world.corals.tasks[0].open("pool-0", "unknown")
    world.ecs.tasks += [
        task("scaled-in", "127.0.0.77"),
        task("no-address", None),
        task("starts", None, status="PENDING"),
    ]
    world.ecs.gone = ["stopped"]
    result = world.cleaned()
    assert result["tasks_unreachable"] == ["scaled-in"]
    assert result["tasks_without_address"] == ["no-address"]
    assert result["tasks"] == 3
    assert closed(world) == {"unknown"}
    assert world.metrics["TasksUnreachable"] == 1


@pytest.mark.parametrize("tasks", [[task("a", "127.0.0.77"), task("b", "127.0.0.78")], [task("c", None)]])
def test_it_is_an_error_when_no_task_answers(world: World, tasks: list[dict[str, object]]) -> None:
    world.ecs.tasks = tasks
    world.fails(NoThreadsListedError, "unreachable|no running task has an address")
    assert "ThreadsListed" not in world.metrics


def test_it_is_not_an_error_when_no_task_runs(world: World) -> None:
    world.ecs.tasks = [task("starts", None, status="PROVISIONING")]
    assert world.cleaned()["threads_listed"] == 0
    world.ecs.tasks = []
    assert world.cleaned()["is_complete"]


def test_coral_servers_without_the_threads_api_are_a_state_and_no_failure(world: World) -> None:
    for one in world.corals.tasks:
        one.has_threads_api = False
        one.open("pool-0", "unknown")
    assert world.run() == {"state": "no_threads_api", "environment": "rehearsal"}
    assert world.metrics == {"ThreadsApiMissing": 1, "TasksWithoutPools": 2}
    assert closed(world) == set()


def test_one_that_has_forgotten_its_pools_is_a_state_beside_others(world: World) -> None:
    world.corals.tasks[0].has_threads_api = False
    world.corals.tasks[1].open("pool-0", "unknown")
    result = world.cleaned()
    assert (result["tasks_without_pools"], closed(world)) == ([world.corals.tasks[0].id], {"unknown"})
    assert (result["listings_failed"], result["is_complete"]) == ([], False)
    assert (world.metrics["ThreadsApiMissing"], world.metrics["TasksWithoutPools"]) == (0, 1)


def test_an_ecs_that_refuses_is_an_error(world: World) -> None:
    world.ecs.error = "ServiceNotFoundException"
    world.fails(TasksError, "tasks of pardon-rehearsal-service in pardon-rehearsal-cluster cannot be listed.*NotFound")


@pytest.mark.parametrize(
    ("behaviour", "is_unreachable", "failures"),
    [
        (servers.hangs, True, 1),
        (servers.answers_after(2, answers(200, [])), True, 1),
        (servers.resets, False, 2),
        (servers.sends_half(["unknown-on-it"]), False, 2),
        (answers(401), False, 2),
        (answers(500, {"error": "x"}), False, 2),
        (answers(200, b"<html>"), False, 2),
        (answers(200, {"pool-0": -1}), False, 2),
        (answers(200, -1), False, 2),
        (answers(200, None), False, 2),
    ],
)
def test_other_tasks_are_cleaned_when_one_fails_to_list(
    world: World, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour, is_unreachable: bool, failures: int
) -> None:
    for module in (fleet, closing):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 1.0)
    world.corals.tasks[0].open("pool-0", "unknown")
    world.ecs.tasks.append(task("bad", "127.0.0.9"))
    with serving(behaviour, host="127.0.0.9", port=world.corals.port) as server:
        result = world.cleaned()
    assert closed(world) == {"unknown"}
    assert result["tasks_unreachable"] == (["bad"] if is_unreachable else [])
    assert len(result["listings_failed"]) == len(server.requests) == failures
    assert "DELETE" not in {request.method for request in server.requests}
    assert result["tasks_unlisted"] == ([] if is_unreachable else ["bad"])
    assert not result["is_complete"]


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (servers.hangs, {"threads_failed": CALLS_PER_TASK, "threads_left": 10 - CALLS_PER_TASK}),
        (servers.drips(), {"threads_failed": CALLS_PER_TASK, "threads_left": 10 - CALLS_PER_TASK}),
        (servers.resets, {"threads_failed": 10, "threads_left": 0}),
        (servers.sends_half(), {"threads_failed": 10, "threads_left": 0}),
        (answers(500), {"threads_failed": 10, "threads_left": 0}),
        (answers(404), {"threads_gone": 10, "threads_failed": 0, "threads_left": 0}),
        (answers(204, b""), {"threads_closed": 13, "threads_failed": 0, "threads_left": 0}),
    ],
)
def test_other_tasks_are_cleaned_when_one_fails_to_close(
    world: World, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour, expected: dict[str, int]
) -> None:
    for module in (fleet, closing):
        monkeypatch.setattr(module, "ANSWER_SECONDS", 1.0)
    world.corals.tasks[0].open("pool-0", *ids("unknown", 3))
    world.ecs.tasks.append(task("bad", "127.0.0.9"))
    lists = [answers(200, ids("stuck", 10)), answers(200, [])]

    def behave(exchange: Exchange) -> None:
        is_list = exchange.request.method == "GET"
        (behaviour if not is_list else lists.pop(0) if lists else answers(200, []))(exchange)

    with serving(behave, host="127.0.0.9", port=world.corals.port) as server:
        result = world.cleaned()
    assert closed(world) == set(ids("unknown", 3))
    assert {name: result[name] for name in expected} == expected  # type: ignore[literal-required]
    assert result["is_complete"] is (expected["threads_failed"] == 0)
    assert world.metrics["ThreadsFailed"] == expected["threads_failed"]
    deleted = [request.target for request in server.requests if request.method == "DELETE"]
    assert len(deleted) == len(set(deleted)), "nothing is tried twice"


def test_it_ends_in_time_and_reports_what_it_did(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_LOOKUP_SECONDS", 0.2)
    world.corals.answer_seconds = 0.2
    world.seconds = 13.5  # ten are reserved
    for one in world.corals.tasks:
        one.open("pool-0", *(f"{thread}-{one.address}" for thread in ids("ended", 150)))
    world.record(*(thread for _, _, thread in world.corals.held()), ended="1 hour")
    before = time.monotonic()
    result = world.cleaned()
    assert time.monotonic() - before < 5
    assert not result["is_complete"]
    assert 0 < result["threads_closed"] <= len(closed(world)) < 300
    assert result["threads_closed"] + result["threads_left"] + result["threads_failed"] == 300
    assert world.metrics["ThreadsClosed"] == result["threads_closed"]


def test_a_task_that_drips_holds_no_other_tasks_threads(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_LOOKUP_SECONDS", 0.2)
    world.seconds = 15
    world.ecs.tasks.append(task("drips", "127.0.0.9"))
    with serving(servers.drips(), host="127.0.0.9", port=world.corals.port):
        world.corals.tasks[0].open("pool-0", "unknown")
        result = world.cleaned()
    assert (result["tasks_unreachable"], result["is_complete"]) == (["drips"], False)
    assert closed(world) == {"unknown"}


def test_a_pool_that_no_task_can_list_is_named(world: World) -> None:
    def behave(exchange: Exchange) -> None:
        (answers(500) if "pool-1" in exchange.request.target else answers(200, []))(exchange)

    world.ecs.tasks = [task("a", "127.0.0.9")]
    with serving(behave, host="127.0.0.9", port=world.corals.port):
        result = world.cleaned()
    assert (result["pools_unlisted"], result["tasks_unlisted"], result["is_complete"]) == (["pool-1"], [], False)
    assert world.metrics["PoolsUnlisted"] == 1


@pytest.mark.parametrize("status", [200, 404])
def test_a_thread_that_is_listed_after_it_was_closed_has_failed(world: World, status: int) -> None:
    def behave(exchange: Exchange) -> None:
        is_list = exchange.request.method == "GET"
        is_first = "pool-0" in exchange.request.target
        answers(200 if is_list else status, ids("stuck", 3) if is_list and is_first else [])(exchange)

    world.ecs.tasks.append(task("lies", "127.0.0.9"))
    with serving(behave, host="127.0.0.9", port=world.corals.port):
        result = world.cleaned()
    assert (result["threads_closed"], result["threads_failed"], result["threads_still_listed"]) == (0, 3, 3)
    assert (world.metrics["ThreadsStillListed"], result["is_complete"]) == (3, False)


def test_pools_that_only_the_table_shows_are_cleaned_too(world: World) -> None:
    world.record("a", ended="1 hour")
    for number, name in enumerate(["left-over", "ä/b", "", ".", "x" * 201, "\n"]):
        sql = """INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId") VALUES (:id, 'u', :pool, :id)"""
        world.connection.run(sql, id=str(number), pool=name)
        world.corals.tasks[0].open(name, f"unknown-{number}")
    world.corals.tasks[1].open("nobodys", "unknown")
    assert world.cleaned()["is_complete"]
    assert closed(world) == {"unknown-0", "unknown-1"}


def test_too_little_time_for_the_grace_period_closes_nothing(world: World) -> None:
    world.corals.tasks[0].open("pool-0", "unknown")
    world.grace_seconds = 120
    world.fails(OutOfTimeError, "the grace period of 120 and the lookups in the database need 15 more")
    assert closed(world) == set()


def test_a_task_without_an_address_and_pools_beyond_the_limit_make_a_run_incomplete(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.corals.tasks[0].open("pool-0", "unknown")
    assert world.cleaned()["is_complete"]
    world.ecs.tasks.append(task("no-address", None))
    assert not world.cleaned()["is_complete"]
    world.ecs.tasks.pop()
    monkeypatch.setattr(cleanup, "MAX_OTHER_POOLS", 2)
    for number in range(3):
        assert world.cleaned()["is_complete"]
        sql = """INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId") VALUES (:id, 'u', :pool, :id)"""
        world.connection.run(sql, id=str(number), pool=f"other-{number}")
    assert not world.cleaned()["is_complete"]
