"""Thread cleanup end to end: which threads it closes, and which it keeps."""

import threading

import pytest

from ops_lambdas.shared import closing
from ops_lambdas.shared.database import Reader
from ops_lambdas.shared.fleet import CALLS_PER_TASK
from ops_lambdas.shared.settings import InvalidSettingError
from ops_lambdas.shared.thread_records import ThreadRecords
from ops_lambdas.thread_cleanup import cleanup, core, queries
from ops_lambdas.thread_cleanup.cleanup import RefusedError
from ops_lambdas.thread_cleanup.report import ThreadCleanupResult
from ops_lambdas.thread_cleanup.settings import Options, Settings
from tests.integration.checks.ecs import task
from tests.integration.checks.servers import answers, serving
from tests.integration.checks.thread_cleanup.world import World, closed, ids, worlds
from tests.integration.conftest import Database

NOTHING_UNKNOWN: dict[str, list[str]] = {
    "tasks_unreachable": [],
    "tasks_without_address": [],
    "tasks_unlisted": [],
    "tasks_without_pools": [],
    "pools_unlisted": [],
    "listings_failed": [],
}


def test_it_closes_forgotten_threads_on_every_task_and_pool_and_no_others(world: World) -> None:
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
    world.record(*(thread for thread in held if thread.startswith("just-ended")), ended="-1 minute")

    result = world.cleaned()

    assert result == {
        "state": "cleaned",
        "environment": "rehearsal",
        "is_complete": True,
        "would_refuse": False,
        "tasks": 2,
        **{
            name: [] for name in ("tasks_unreachable", "tasks_without_address", "tasks_unlisted", "tasks_without_pools")
        },
        **{name: [] for name in ("pools_unlisted", "listings_failed")},
        "threads_listed": 20,
        "threads_unknown": 4,
        "threads_ended": 4,
        "threads_closed": 8,
        "threads_gone": 0,
        **dict.fromkeys(("threads_failed", "threads_still_listed", "threads_spared", "threads_left"), 0),
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
    assert world.metrics == {"ThreadsListed": 20, "ThreadsUnknown": 4, "ThreadsClosed": 8}
    assert [(log["level"], log["message"]) for log in world.logs] == [("INFO", "Thread cleanup finished")]
    # Besides, one for each time they are listed.
    assert all(one.connections <= CALLS_PER_TASK + 2 for one in (first, second)), "connections are reused"

    again = world.cleaned()
    assert (again["threads_closed"], again["threads_listed"]) == (0, 12), "a second run finds nothing to do"
    assert first.missed == second.missed == []


@pytest.mark.parametrize(
    ("ended", "made", "is_over"),
    [
        ("121 seconds", "122 seconds", True),
        ("1 hour", "5 minutes", False),
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
    ((settled,),) = world.connection.run(queries.SETTLED_BEFORE, grace_seconds=120)
    records = ThreadRecords(Reader(world.connection), ended_before=settled, quiet_since=settled)
    assert records.known(["t", "other"]) == {"t": is_over}


def test_of_several_records_of_one_thread_an_open_or_young_one_keeps_it(world: World) -> None:
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


def test_any_characters_in_an_id_mean_the_same_to_coral_and_to_the_database(world: World) -> None:
    world.corals.tasks[0].open("pool-0", *ODD_IDS)
    world.corals.tasks[1].open("pool-1", *(f"{one[:199]}!" for one in ODD_IDS))
    world.record(*ODD_IDS)
    assert world.cleaned()["threads_unknown"] == len(ODD_IDS)
    assert closed(world) == {f"{one[:199]}!" for one in ODD_IDS}
    world.connection.run("""UPDATE "Session" SET "endTime" = now() - interval '1 day'""")
    assert world.cleaned()["threads_closed"] == len(ODD_IDS)


@pytest.mark.parametrize("odd", ["", ".", "..", "x" * 201, "a\x00b", "a\nb", "\ud800", 7, None, ["a"], {"id": "a"}])
def test_a_bad_id_makes_its_list_invalid_and_not_the_run(world: World, odd: object) -> None:
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
    world.in_grace_period(lambda: world.record("recorded"))
    assert world.cleaned()["threads_unknown"] == 1
    assert closed(world) == {"forgotten"}


def test_a_thread_opened_in_the_grace_period_stays_open(world: World) -> None:
    world.corals.tasks[1].open("pool-0", "old")
    world.grace_seconds = 0.4
    world.in_grace_period(lambda: world.corals.tasks[1].open("pool-0", "new"))
    assert world.cleaned()["threads_listed"] == 1
    assert closed(world) == {"old"}


def test_a_session_that_opens_again_while_others_are_closed_keeps_its_threads(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "_ASKED_AT_ONCE", 2)
    monkeypatch.setattr(closing, "CALLS_PER_TASK", 1)
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


def test_too_large_a_share_of_unknown_threads_is_refused_unless_forced(world: World) -> None:
    world.corals.tasks[0].open("pool-0", *ids("unknown", 21), *ids("open", 20))
    world.record(*ids("open", 20))
    world.fails(RefusedError, "21 of 41 threads are unknown to the database")
    assert closed(world) == set()
    assert world.metrics == {"ThreadsListed": 41, "ThreadsUnknown": 21, "ThreadCleanupRefused": 1}
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


def test_the_second_of_two_runs_at_once_closes_nothing(world: World) -> None:
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
        states.append(cleanup.Cleanup(config, Options(), seconds=30, grace_seconds=0.1).run())

    world.in_grace_period(second)
    results.append(world.run())
    world.in_grace_period(lambda: None)
    assert states == ["already_running"]
    assert results[0]["state"] == "cleaned"
    assert (closed(world), world.corals.tasks[0].missed) == ({"unknown"}, [])
    assert world.run()["state"] == "cleaned", "the lock is free again"


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


def test_ten_tasks_with_ten_thousand_threads(module_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with worlds(module_database, monkeypatch, tasks=10, pools=[f"pool-{number}" for number in range(5)]) as world:
        world.ecs.page_size = 3
        for number in range(10_000):
            world.corals.tasks[number % 10].open(f"pool-{number // 10 % 5}", f"t-{number}")
        world.record(*(f"t-{number}" for number in range(6_000)))
        world.record(*(f"t-{number}" for number in range(6_000, 9_000)), ended="1 hour")
        result = world.cleaned()
        assert (result["threads_listed"], result["threads_unknown"], result["threads_closed"]) == (10_000, 1_000, 4_000)
        assert closed(world) == {f"t-{number}" for number in range(6_000, 10_000)}
        # Used again for some 400 calls each; a machine under load loses one now and then.
        assert max(one.connections for one in world.corals.tasks) <= 4 * CALLS_PER_TASK
