"""Thread cleanup whole: what it closes on which task, what it leaves alone, and what it tells."""

import threading
import time
from collections.abc import Iterator

import pytest

from ops_lambdas.shared import fleet
from ops_lambdas.shared.database import DatabaseError
from ops_lambdas.shared.fleet import CALLS_PER_TASK
from ops_lambdas.shared.settings import InvalidSettingError
from ops_lambdas.shared.tasks import TasksError
from ops_lambdas.thread_cleanup import cleanup, core, queries
from ops_lambdas.thread_cleanup.cleanup import NoThreadsListedError, OutOfTimeError, RefusedError
from ops_lambdas.thread_cleanup.report import ThreadCleanupResult
from ops_lambdas.thread_cleanup.settings import Options, Settings
from rehearsal.postgres import Postgres
from tests.integration.checks import servers
from tests.integration.checks.ecs import task
from tests.integration.checks.servers import Behaviour, answers, serving
from tests.integration.checks.thread_world import World, closed, ids, worlds
from tests.integration.conftest import Database


@pytest.fixture(scope="module")
def shared(postgres: Postgres) -> Iterator[Database]:
    """One database for all tests that leave its tables there: emptying it is quicker than making it."""
    admin = postgres.connect()
    admin.run("CREATE DATABASE threads TEMPLATE application_template OWNER pardon_admin")
    yield Database(postgres, "threads")
    admin.run("DROP DATABASE threads WITH (FORCE)")
    admin.close()


@pytest.fixture
def world(shared: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with worlds(shared, monkeypatch, tasks=2) as one:
        yield one


@pytest.fixture
def own_world(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """One whose database may be broken."""
    with worlds(database, monkeypatch, tasks=2) as one:
        yield one


def test_on_every_task_and_pool_it_closes_what_is_forgotten_and_nothing_else(world: World) -> None:
    first, second = world.corals.tasks
    for one in (first, second):
        for pool in ("pool-0", "pool-1", "pool-of-others"):
            one.open(
                pool, *(f"{kind}-{pool}-{one.address}" for kind in ("unknown", "ended", "open", "new", "just-ended"))
            )
    held = {thread for _, _, thread in world.corals.held()}
    world.record(*(thread for thread in held if thread.startswith("ended")), ended="1 hour")
    world.record(*(thread for thread in held if thread.startswith("open")))
    world.record(*(thread for thread in held if thread.startswith("new")), ended="1 hour", made="-1 minute")
    world.record(*(thread for thread in held if thread.startswith("just-ended")), ended="-1 second")

    result = world.cleaned()

    assert result == {
        "state": "cleaned",
        "environment": "rehearsal",
        "is_complete": True,
        "would_refuse": False,
        "tasks": 2,
        "tasks_unreachable": [],
        "tasks_without_address": [],
        "listings_failed": [],
        "threads_listed": 20,
        "threads_unknown": 4,
        "threads_ended": 4,
        "threads_closed": 8,
        "threads_gone": 0,
        "threads_failed": 0,
        "threads_spared": 0,
        "threads_left": 0,
        "pools": [
            {"pool": "pool-0", "threads_listed": 10, "threads_unknown": 2, "threads_ended": 2},
            {"pool": "pool-1", "threads_listed": 10, "threads_unknown": 2, "threads_ended": 2},
        ],
    }
    assert closed(world) == {
        f"{kind}-{pool}-{one.address}"
        for kind in ("unknown", "ended")
        for pool in ("pool-0", "pool-1")
        for one in (first, second)
    }
    assert world.metrics == {
        "ThreadsListed": 20,
        "ThreadsUnknown": 4,
        "ThreadsClosed": 8,
        "ThreadsFailed": 0,
        "TasksUnreachable": 0,
        "ThreadCleanupRefused": 0,
    }
    assert [(log["level"], log["message"]) for log in world.logs] == [("INFO", "Thread cleanup finished")]
    assert all(one.connections <= CALLS_PER_TASK for one in (first, second)), "connections are reused"

    again = world.cleaned()
    assert (again["threads_closed"], again["threads_listed"]) == (0, 12), "a second run finds nothing to do"
    assert first.missed == second.missed == []


@pytest.mark.parametrize(
    ("ended", "made", "is_over"),
    [
        ("121 seconds", "121 seconds", True),
        ("119 seconds", "1 day", False),
        ("1 day", "119 seconds", False),
        (None, "1 day", False),
        ("-1 hour", "1 day", False),
        ("1 day", "-1 hour", False),
    ],
)
def test_a_known_thread_may_go_when_it_and_its_sessions_end_are_older_than_the_grace_period(
    world: World, ended: str | None, made: str, is_over: bool
) -> None:
    world.record("t", ended=ended, made=made)
    world.connection.run("SET timezone TO 'Asia/Tokyo'")
    assert world.connection.run(queries.KNOWN, ids='["t", "other"]', grace_seconds=120) == [["t", is_over]]


def test_of_several_records_of_one_thread_the_open_and_the_young_win(world: World) -> None:
    for thread in ("a", "b", "c"):
        world.record(thread, ended="1 hour")
    world.record("a")
    world.record("b", ended="1 hour", made="-1 minute")
    world.record("c", ended="2 hours")
    world.corals.tasks[0].open("pool-0", "a", "b", "c")
    assert world.cleaned()["threads_ended"] == 1
    assert closed(world) == {"c"}


ODD_IDS = (
    *("NULL", "null", "{}", '{"a"}', "a,b", 'a"b', "a\\b", "a\\", "a b", "a/b", "a/../b", "..%2f"),
    *("a?b", "a#b", "é", "%", ":ids", "'", "x" * 200),
)


def test_ids_mean_the_same_to_coral_and_to_the_database_whatever_is_in_them(world: World) -> None:
    world.corals.tasks[0].open("pool-0", *ODD_IDS)
    world.corals.tasks[1].open("pool-1", *(f"{one[:199]}!" for one in ODD_IDS))
    world.record(*ODD_IDS)
    assert world.cleaned()["threads_unknown"] == len(ODD_IDS)
    assert closed(world) == {f"{one[:199]}!" for one in ODD_IDS}
    world.connection.run("""UPDATE "Session" SET "endTime" = now() - interval '1 day'""")
    assert world.cleaned()["threads_closed"] == len(ODD_IDS)


@pytest.mark.parametrize("odd", ["", ".", "..", "x" * 201, "a\x00b", "a\nb", "\ud800", 7, None, ["a"], {"id": "a"}])
def test_an_id_that_is_none_condemns_its_list_and_not_the_run(world: World, odd: object) -> None:
    world.corals.tasks[0].open("pool-0", "unknown")
    world.ecs.tasks.append(task("odd", "127.0.0.9"))
    with serving(answers(200, ["harmless", odd]), host="127.0.0.9", port=world.corals.port) as server:
        result = world.cleaned()
    assert (closed(world), len(result["listings_failed"])) == ({"unknown"}, 2)
    assert "a thread's id must be text of 1 to 200 printable characters" in result["listings_failed"][0]
    assert [request.method for request in server.requests] == ["GET", "GET"]


def test_a_thread_recorded_in_the_grace_period_is_known(world: World) -> None:
    world.corals.tasks[0].open("pool-0", "recorded", "forgotten")
    world.grace_seconds = 0.4
    world.meanwhile(lambda: world.record("recorded"))
    assert world.cleaned()["threads_unknown"] == 1
    assert closed(world) == {"forgotten"}


def test_a_thread_opened_in_the_grace_period_is_not_looked_at(world: World) -> None:
    world.corals.tasks[1].open("pool-0", "old")
    world.grace_seconds = 0.4
    world.meanwhile(lambda: world.corals.tasks[1].open("pool-0", "new"))
    assert world.cleaned()["threads_listed"] == 1
    assert closed(world) == {"old"}


def test_a_session_that_opens_again_while_others_are_closed_keeps_its_threads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "WAVE_THREADS", 2)
    threads = ids("t", 6)
    session = world.record(*threads, ended="1 hour")
    world.corals.tasks[0].open("pool-0", *threads)
    lock = threading.Lock()

    def reopen(method: str, _target: str) -> None:
        with lock:
            if method == "DELETE":
                world.connection.run("""UPDATE "Session" SET "endTime" = NULL WHERE "id" = :id""", id=session)

    world.corals.tasks[0].on_request = reopen
    result = world.cleaned()
    assert (result["threads_closed"], result["threads_spared"], result["is_complete"]) == (2, 4, True)
    assert len(closed(world)) == 2


def test_no_more_than_the_cap_is_closed_in_one_run_and_the_surest_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "MAX_CLOSED", 12)
    for one in world.corals.tasks:
        one.open("pool-0", *(f"{thread}-{one.address}" for thread in (*ids("ended", 5), *ids("unknown", 5))))
    ended = {thread for _, _, thread in world.corals.held() if thread.startswith("ended")}
    world.record(*ended, ended="1 hour")
    first = world.cleaned()
    assert (first["threads_closed"], first["threads_left"], first["is_complete"]) == (12, 8, False)
    assert ended < closed(world)
    second = world.cleaned()
    assert (second["threads_closed"], second["threads_left"], second["is_complete"]) == (8, 0, True)


def test_an_unbelievable_share_is_refused_unless_forced(world: World) -> None:
    world.corals.tasks[0].open("pool-0", *ids("unknown", 21), *ids("open", 20))
    world.record(*ids("open", 20))
    world.fails(RefusedError, "21 of 41 threads are unknown to the database")
    assert closed(world) == set()
    assert world.metrics == {
        "ThreadsListed": 41,
        "ThreadsUnknown": 21,
        "ThreadsClosed": 0,
        "ThreadsFailed": 0,
        "TasksUnreachable": 0,
        "ThreadCleanupRefused": 1,
    }
    dry = world.cleaned({"dry_run": True})
    assert (dry["state"], dry["would_refuse"], dry["threads_unknown"], dry["threads_closed"]) == (
        "dry_run",
        True,
        21,
        0,
    )
    assert world.cleaned({"dry_run": True, "force": True})["would_refuse"] is False
    assert closed(world) == set()
    assert world.cleaned({"force": True})["threads_closed"] == 21
    assert closed(world) == set(ids("unknown", 21))


def test_a_few_forgotten_threads_are_closed_though_they_are_all(world: World) -> None:
    world.corals.tasks[0].open("pool-0", *ids("unknown", core.MIN_UNKNOWN_TO_REFUSE - 1))
    assert world.cleaned()["threads_closed"] == core.MIN_UNKNOWN_TO_REFUSE - 1


@pytest.mark.parametrize("missing", ['"Thread"', '"Thread", "Session"'])
def test_missing_tables_are_a_state(own_world: World, missing: str) -> None:
    own_world.corals.tasks[0].open("pool-0", "unknown")
    own_world.connection.run(f"DROP TABLE {missing}")
    assert own_world.run() == {"state": "tables_missing", "environment": "rehearsal"}
    assert (closed(own_world), own_world.metrics, own_world.ecs.calls) == (set(), {}, [])


def test_tables_that_go_missing_in_the_grace_period_close_nothing(own_world: World) -> None:
    own_world.corals.tasks[0].open("pool-0", "unknown")
    own_world.grace_seconds = 0.4
    own_world.meanwhile(lambda: own_world.connection.run('DROP TABLE "Thread"'))
    assert own_world.run() == {"state": "tables_missing", "environment": "rehearsal"}
    assert closed(own_world) == set()


def test_a_database_that_refuses_closes_nothing(own_world: World) -> None:
    own_world.corals.tasks[0].open("pool-0", "unknown")
    admin = own_world.database.server.connect()
    admin.run(f"ALTER DATABASE {own_world.database.name} ALLOW_CONNECTIONS false")
    admin.close()
    own_world.fails(DatabaseError, "not currently accepting connections")
    assert (closed(own_world), own_world.metrics) == (set(), {})


def cut(world: World) -> None:
    world.connection.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'thread_cleanup'"
    )


def test_a_database_that_drops_in_the_grace_period_closes_nothing(world: World) -> None:
    world.corals.tasks[0].open("pool-0", "unknown")
    world.grace_seconds = 0.4
    world.meanwhile(lambda: cut(world))
    world.fails(DatabaseError, "terminating connection|network error|reset")
    assert closed(world) == set()
    assert world.metrics == {"ThreadsListed": 1, "TasksUnreachable": 0}, "what is not known is not zero"


def test_a_database_that_does_not_answer_in_time_closes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_STATEMENT_TIMEOUT_SECONDS", 0.3)
    world.corals.tasks[0].open("pool-0", "unknown")
    world.grace_seconds = 0.3

    def lock() -> None:
        world.connection.run("BEGIN")
        world.connection.run('LOCK TABLE "Session" IN ACCESS EXCLUSIVE MODE')

    world.meanwhile(lock)
    world.fails(DatabaseError, "SQLSTATE (57014|55P03)")
    world.connection.run("ROLLBACK")
    assert closed(world) == set()


def test_a_database_that_drops_while_closing_ends_the_run_with_what_it_did_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "WAVE_THREADS", 2)
    world.corals.tasks[0].open("pool-0", *ids("unknown", 6))
    lock = threading.Lock()

    def drop(method: str, _target: str) -> None:
        with lock:
            if method == "DELETE":
                cut(world)

    world.corals.tasks[0].on_request = drop
    world.fails(DatabaseError, "terminating connection|network error|reset")
    assert len(closed(world)) == 2
    assert world.metrics["ThreadsClosed"] == 2


def test_it_cannot_write_to_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        queries, "KNOWN", """DELETE FROM "Session" WHERE "id" = :ids AND CAST(:grace_seconds AS float) > 0"""
    )
    world.fails(DatabaseError, "read-only transaction")


def test_the_second_of_two_runs_at_once_says_so_and_closes_nothing(world: World) -> None:
    world.corals.tasks[0].open("pool-0", "unknown")
    world.grace_seconds = 0.6
    results: list[ThreadCleanupResult] = []
    config = Settings(
        environment="rehearsal",
        database_host="127.0.0.1",
        database_port=1,
        database_name="d",
        database_user="u",
        ecs_cluster="c",
        ecs_service="s",
        coral_port=world.corals.port,
        pools=("pool-0",),
    )
    states: list[str] = []

    def second() -> None:
        states.append(cleanup.Run(config, Options(), seconds=30, grace_seconds=0.1).clean())

    world.meanwhile(second)
    results.append(world.run())
    world.meanwhile(lambda: None)
    assert states == ["already_running"]
    assert results[0]["state"] == "cleaned"
    assert (closed(world), world.corals.tasks[0].missed) == ({"unknown"}, [])
    assert world.run()["state"] == "cleaned", "the lock is free again"


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


def test_it_is_none_when_no_task_runs(world: World) -> None:
    world.ecs.tasks = [task("starts", None, status="PROVISIONING")]
    assert world.cleaned()["threads_listed"] == 0
    world.ecs.tasks = []
    assert world.cleaned()["is_complete"]


def test_an_ecs_that_refuses_is_an_error(world: World) -> None:
    world.ecs.error = "ServiceNotFoundException"
    world.fails(TasksError, "tasks of pardon-rehearsal-service in pardon-rehearsal-cluster cannot be listed.*NotFound")


@pytest.mark.parametrize(
    ("behaviour", "is_silent", "failures"),
    [
        (servers.hangs, True, 1),
        (servers.answers_after(2, answers(200, [])), True, 1),
        (servers.resets, False, 2),
        (servers.sends_half(["unknown-on-it"]), False, 2),
        (answers(401), False, 2),
        (answers(404), False, 2),
        (answers(500, {"error": "x"}), False, 2),
        (answers(200, b"<html>"), False, 2),
        (answers(200, {"pool-0": -1}), False, 2),
        (answers(200, -1), False, 2),
        (answers(200, None), False, 2),
    ],
)
def test_a_task_that_lists_badly_does_not_keep_the_others_from_being_cleaned(
    world: World, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour, is_silent: bool, failures: int
) -> None:
    monkeypatch.setattr(fleet, "_ANSWER_SECONDS", 0.3)
    world.corals.tasks[0].open("pool-0", "unknown")
    world.ecs.tasks.append(task("bad", "127.0.0.9"))
    with serving(behaviour, host="127.0.0.9", port=world.corals.port) as server:
        result = world.cleaned()
    assert closed(world) == {"unknown"}
    assert result["tasks_unreachable"] == (["bad"] if is_silent else [])
    assert len(result["listings_failed"]) == len(server.requests) == failures
    assert "DELETE" not in {request.method for request in server.requests}


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (servers.hangs, {"threads_failed": CALLS_PER_TASK, "threads_left": 10 - CALLS_PER_TASK}),
        (servers.resets, {"threads_failed": 10, "threads_left": 0}),
        (servers.sends_half(), {"threads_failed": 10, "threads_left": 0}),
        (answers(500), {"threads_failed": 10, "threads_left": 0}),
        (answers(404), {"threads_gone": 10, "threads_failed": 0, "threads_left": 0}),
        (answers(204, b""), {"threads_closed": 13, "threads_failed": 0, "threads_left": 0}),
    ],
)
def test_a_task_that_closes_badly_does_not_keep_the_others_from_being_cleaned(
    world: World, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour, expected: dict[str, int]
) -> None:
    monkeypatch.setattr(fleet, "_ANSWER_SECONDS", 0.3)
    world.corals.tasks[0].open("pool-0", *ids("unknown", 3))
    world.ecs.tasks.append(task("bad", "127.0.0.9"))
    lists = servers.in_turn(answers(200, ids("stuck", 10)), answers(200, []), behaviour)
    with serving(lists, host="127.0.0.9", port=world.corals.port) as server:
        result = world.cleaned()
    assert closed(world) == set(ids("unknown", 3))
    assert {name: result[name] for name in expected} == expected  # type: ignore[literal-required]
    assert result["is_complete"] is (expected["threads_failed"] == 0)
    assert world.metrics["ThreadsFailed"] == expected["threads_failed"]
    deleted = [request.target for request in server.requests if request.method == "DELETE"]
    assert len(deleted) == len(set(deleted)), "nothing is tried twice"


def test_it_ends_before_the_time_is_up_and_tells_what_it_did(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "WAVE_THREADS", 20)
    monkeypatch.setattr(cleanup, "_LOOKUP_SECONDS", 0.2)
    world.corals.answer_seconds = 0.05
    world.seconds = 11.5  # ten are reserved
    for one in world.corals.tasks:
        one.open("pool-0", *(f"{thread}-{one.address}" for thread in ids("ended", 150)))
    world.record(*(thread for _, _, thread in world.corals.held()), ended="1 hour")
    before = time.monotonic()
    result = world.cleaned()
    assert time.monotonic() - before < 2
    assert not result["is_complete"]
    assert 0 < result["threads_closed"] <= len(closed(world)) < 300
    assert result["threads_closed"] + result["threads_left"] + result["threads_failed"] == 300
    assert world.metrics["ThreadsClosed"] == result["threads_closed"]


def test_a_task_that_drips_cannot_hold_the_run_beyond_its_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_LOOKUP_SECONDS", 0.2)
    world.seconds = 11
    world.ecs.tasks.append(task("drips", "127.0.0.9"))
    with serving(servers.drips(), host="127.0.0.9", port=world.corals.port):
        before = time.monotonic()
        world.corals.tasks[0].open("pool-0", "unknown")
        world.fails(OutOfTimeError, "seconds are left after listing")
        assert time.monotonic() - before < 2
    assert closed(world) == set()


def test_too_little_time_for_the_grace_period_closes_nothing(world: World) -> None:
    world.corals.tasks[0].open("pool-0", "unknown")
    world.grace_seconds = 120
    world.fails(OutOfTimeError, "the grace period of 120 and the lookups in the database need 15 more")
    assert closed(world) == set()


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"dry_run": "yes"}, "dry_run must be true or false, got 'yes'"),
        ({"force": 1}, "force must be true or false, got 1"),
        ({"dryrun": True}, "an object with dry_run, force"),
    ],
)
def test_a_bad_event_does_nothing(world: World, event: object, message: str) -> None:
    world.fails(InvalidSettingError, message, event)
    assert world.ecs.calls == []


@pytest.mark.parametrize("grace", ["0", "301", "-1", "1.5", "²", ""])
def test_a_bad_grace_period_does_nothing(world: World, monkeypatch: pytest.MonkeyPatch, grace: str) -> None:
    monkeypatch.setenv("GRACE_SECONDS", grace)
    world.fails(InvalidSettingError, "GRACE_SECONDS must be whole seconds, 1 to 300, got ")


def test_ten_tasks_with_ten_thousand_threads(shared: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with worlds(shared, monkeypatch, tasks=10, pools=[f"pool-{number}" for number in range(5)]) as world:
        world.ecs.page_size = 3
        for number in range(10_000):
            world.corals.tasks[number % 10].open(f"pool-{number // 10 % 5}", f"t-{number}")
        world.record(*(f"t-{number}" for number in range(6_000)))
        world.record(*(f"t-{number}" for number in range(6_000, 9_000)), ended="1 hour")
        result = world.cleaned()
        assert (result["threads_listed"], result["threads_unknown"], result["threads_closed"]) == (10_000, 1_000, 4_000)
        assert closed(world) == {f"t-{number}" for number in range(6_000, 10_000)}
        assert max(one.connections for one in world.corals.tasks) <= CALLS_PER_TASK
