"""Thread cleanup beside a changing application: no sequence of events closes a wrong thread."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from ops_lambdas.shared.database import DatabaseError
from ops_lambdas.shared.tasks import Task, Tasks
from ops_lambdas.thread_cleanup import cleanup, core
from ops_lambdas.thread_cleanup.cleanup import NoThreadsListedError, RefusedError
from ops_lambdas.thread_cleanup.settings import Options, Settings
from tests.integration.checks.thread_cleanup.world import POOLS, World

TASKS = 2  # as many as the world has
# Far on either side of a grace period of some milliseconds.
AGES = OLD, YOUNG = ("1 day", "-1 minute")
TASK, POOL = st.integers(0, TASKS - 1), st.sampled_from(POOLS)
ENDED = st.sampled_from([None, *AGES])
# Of a thread: where it is, and whether each record of it is young, and when its session ended.
LIVES = st.tuples(TASK, POOL, st.lists(st.tuples(st.booleans(), ENDED), max_size=2))
RARELY = st.integers(0, 5).map(lambda number: number == 5)
MIN_UNKNOWN_TO_REFUSE = 4  # so that few threads suffice


@dataclass
class Record:
    """What the application recorded of a thread in a session."""

    session: str
    is_young: bool


class Application(RuleBasedStateMachine):
    """The application as a machine whose steps are what users, deployments and faults do."""

    world: World
    threads = Bundle("threads")
    sessions = Bundle("sessions")

    @initialize(target=threads, lives=st.lists(LIVES, min_size=3, max_size=12))
    def begin(self, lives: list[tuple[int, str, list[tuple[bool, str | None]]]]) -> MultipleResults[str]:
        self.world.connection.run('TRUNCATE "Message", "Thread", "Session"')
        for task in self.world.corals.tasks:
            task.pools.clear()
            task.closed.clear()
        self.count = 0
        self.open_sessions: set[str] = set()
        self.just_ended: set[str] = set()
        self.records: dict[str, list[Record]] = {}
        self.lost: set[int] = set()
        opened = []
        for number, pool, records in lives:
            opened.append(self.open_thread(number, pool))
            for is_young, ended in records:
                self.record_in_a_new_session(opened[-1], is_young, ended)
        return multiple(*opened)

    def may_go(self, thread: str) -> bool:
        """Whether closing the thread is harmless, by all that the application knows."""
        return all(
            not record.is_young and record.session not in self.open_sessions | self.just_ended
            for record in self.records.get(thread, [])
        )

    @rule(target=threads, task=TASK, pool=POOL)
    def opens_a_thread(self, task: int, pool: str) -> str:
        return self.open_thread(task, pool)

    @rule(target=sessions, thread=threads, is_young=st.booleans(), ended=ENDED)
    def records_in_a_new_session(self, thread: str, is_young: bool, ended: str | None) -> str:
        return self.record_in_a_new_session(thread, is_young, ended)

    def open_thread(self, task: int, pool: str) -> str:
        self.count += 1
        self.world.corals.tasks[task].open(pool, f"t-{self.count}")
        return f"t-{self.count}"

    def record_in_a_new_session(self, thread: str, is_young: bool, ended: str | None) -> str:
        session = self.world.record(thread, made=YOUNG if is_young else "2 days", ended=ended)
        if ended != OLD:
            (self.open_sessions if ended is None else self.just_ended).add(session)
        self.records.setdefault(thread, []).append(Record(session, is_young))
        return session

    @rule(session=sessions, thread=threads)
    def record_in_a_session(self, session: str, thread: str) -> None:
        self.world.record(thread, session=session)
        self.records.setdefault(thread, []).append(Record(session, is_young=False))

    @rule(session=sessions, ago=st.sampled_from(AGES))
    def end_session(self, session: str, ago: str) -> None:
        self.world.connection.run(
            """UPDATE "Session" SET "endTime" = (now() AT TIME ZONE 'UTC') - CAST(:ago AS interval)
               WHERE "id" = :id""",
            id=session,
            ago=ago,
        )
        self.open_sessions.discard(session)
        (self.just_ended.discard if ago == OLD else self.just_ended.add)(session)

    @rule(session=sessions)
    def open_session_again(self, session: str) -> None:
        self.world.connection.run("""UPDATE "Session" SET "endTime" = NULL WHERE "id" = :id""", id=session)
        self.open_sessions.add(session)
        self.just_ended.discard(session)

    @rule(task=TASK)
    def lose_or_find_a_task(self, task: int) -> None:
        self.lost ^= {task}

    @rule(is_dry=RARELY, is_forced=st.booleans(), database_fails=RARELY)
    def clean(self, is_dry: bool, is_forced: bool, database_fails: bool) -> None:
        tasks = [
            Task(task.id, "127.0.0.99" if number in self.lost else task.address)
            for number, task in enumerate(self.world.corals.tasks)
        ]
        before = self.world.corals.held()
        reachable = {held for held in before if held[0] not in {tasks[number].id for number in self.lost}}
        unknown = [held for held in reachable if held[2] not in self.records]
        options = Options(dry_run=is_dry, force=is_forced)
        run = cleanup.Cleanup(self.config(), options, seconds=60, grace_seconds=0.001)
        during_the_run = self.drop_connections if database_fails else lambda: None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cleanup, "service_tasks", lambda *_, **__: during_the_run() or Tasks(tuple(tasks)))
            outcome = self.outcome_of(run.run)
        after = self.world.corals.held()
        forgotten = {held for held in reachable if self.may_go(held[2])}
        refuses = len(unknown) >= MIN_UNKNOWN_TO_REFUSE and 2 * len(unknown) > len(reachable) and not is_forced
        if len(self.lost) == TASKS or database_fails or is_dry or refuses:
            assert after == before, "nothing is closed"
        else:
            assert after == before - forgotten, "exactly what is forgotten is closed where it can be reached"
        if database_fails and reachable:
            assert outcome == "DatabaseError"
        elif len(self.lost) == TASKS:
            assert outcome == "NoThreadsListedError"
        elif not database_fails:
            assert outcome == ("dry_run" if is_dry else "RefusedError" if refuses else "cleaned")

    def outcome_of(self, run: Callable[[], str]) -> str:
        try:
            return run()
        except (DatabaseError, NoThreadsListedError, RefusedError) as error:
            return type(error).__name__

    def drop_connections(self) -> None:
        self.world.connection.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'thread_cleanup'"
        )

    def config(self) -> Settings:
        return Settings(
            environment="rehearsal",
            database_host="unused",
            database_port=1,
            database_name="unused",
            database_user="unused",
            ecs_cluster="unused",
            ecs_service="unused",
            coral_port=self.world.corals.port,
            pools=POOLS,
        )


def test_in_any_sequence_of_events_only_forgotten_threads_are_closed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "MIN_UNKNOWN_TO_REFUSE", MIN_UNKNOWN_TO_REFUSE)
    run_state_machine_as_test(
        type("ApplicationHere", (Application,), {"world": world}),
        settings=settings(
            max_examples=12,
            stateful_step_count=12,
        ),
    )
