"""Both cleanups at once beside a live application: users come and go, tasks restart, connections are cut.

What they may close is decided by the moments at which the application's transactions begin and end.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

import pg8000.native
import pytest
from aws_lambda_powertools import Logger

from ops_lambdas.session_cleanup import cleanup as session_cleanup
from ops_lambdas.shared import database as shared_database
from ops_lambdas.shared.closing import JUSTIFIED_SECONDS
from ops_lambdas.shared.database import Credentials, DatabaseError
from ops_lambdas.shared.tasks import Task, Tasks
from ops_lambdas.thread_cleanup import cleanup as thread_cleanup
from ops_lambdas.thread_cleanup.cleanup import NoThreadsListedError, OutOfTimeError, RefusedError
from ops_lambdas.thread_cleanup.settings import Options, Settings
from tests.integration.checks.corals import Corals
from tests.integration.checks.sent import Delete, Sent, recorded
from tests.integration.conftest import Database

SECONDS = 30
USERS, USERS_AT_ONCE = 600, 4
POOLS = ("pool-0", "pool-1", "pool-2")
_AGED = "interval '2 hours'"

What = Literal["used", "left"]


@dataclass
class User:
    """A user with one session; `events` are those of its threads: used when committed, left when that began."""

    session: str
    pool: str
    task: int
    threads: list[str] = field(default_factory=list)
    events: list[tuple[float, What]] = field(default_factory=list)

    def may_lose(self, delete: Delete) -> bool:
        """Whether the thread was over, or became so, when the database was asked about it."""
        before = [what for at, what in self.events if at < delete.question.asked]
        during = [what for at, what in self.events if delete.question.asked <= at <= delete.question.answered]
        return not before or before[-1] == "left" or "left" in during


class Application:
    """The application's side, in as many threads as users at once."""

    def __init__(self, database: Database, corals: Corals, until: float) -> None:
        self._database, self._corals, self._until = database, corals, until
        self.users: list[User] = []
        self.returns = 0

    def work(self, seed: int) -> None:
        chance = random.Random(seed)
        users: list[User] = []
        with closing(self._database.connect()) as connection:
            while time.monotonic() < self._until:
                time.sleep(chance.uniform(0, 0.02))
                if len(users) < USERS // USERS_AT_ONCE:
                    users.append(self._arrives(connection, chance))
                    self.users.append(users[-1])
                    continue
                user = chance.choice(users)
                if user.events[-1][1] == "used":
                    self._leaves(connection, user)
                else:
                    self._comes_back(connection, user, chance)

    def _arrives(self, connection: pg8000.native.Connection, chance: random.Random) -> User:
        user = User(str(uuid.uuid4()), chance.choice(POOLS), chance.randrange(len(self._corals.tasks)))
        connection.run(
            """INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId") VALUES (:id, 'u', :pool, :id)""",
            id=user.session,
            pool=user.pool,
        )
        self._opens(connection, user, chance.randint(1, 3))
        return user

    def _opens(self, connection: pg8000.native.Connection, user: User, count: int) -> None:
        for thread in [str(uuid.uuid4()) for _ in range(count)]:
            self._corals.tasks[user.task].open(user.pool, thread)
            connection.run(
                """INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId")
                   VALUES (:id, :session, :id, 'a')""",
                id=thread,
                session=user.session,
            )
            user.threads.append(thread)
        user.events.append((time.monotonic(), "used"))

    def _leaves(self, connection: pg8000.native.Connection, user: User) -> None:
        """Make everything of the session two hours old; some sessions end as well."""
        user.events.append((time.monotonic(), "left"))
        connection.run("BEGIN")
        connection.run(
            f"""UPDATE "Session" SET "lastActivityAt" = now() AT TIME ZONE 'UTC' - {_AGED},
                "endTime" = CASE WHEN random() < 0.5 THEN now() AT TIME ZONE 'UTC' - interval '1 hour' END
                WHERE "id" = :id""",
            id=user.session,
        )
        connection.run(
            f"""UPDATE "Message" SET "createdAt" = now() AT TIME ZONE 'UTC' - {_AGED},
                "timestamp" = now() AT TIME ZONE 'UTC' - {_AGED}
                WHERE "threadId" IN (SELECT "id" FROM "Thread" WHERE "sessionId" = :id)""",
            id=user.session,
        )
        connection.run(
            f"""UPDATE "Thread" SET "createdAt" = now() AT TIME ZONE 'UTC' - {_AGED} WHERE "sessionId" = :id""",
            id=user.session,
        )
        connection.run("COMMIT")

    def _comes_back(self, connection: pg8000.native.Connection, user: User, chance: random.Random) -> None:
        """Open the session again, or say something in each of its threads, or open another thread in it."""
        kind = chance.randrange(3)
        if kind == 0:
            connection.run(
                """UPDATE "Session" SET "endTime" = NULL, "lastActivityAt" = now() AT TIME ZONE 'UTC'
                   WHERE "id" = :id""",
                id=user.session,
            )
        elif kind == 1:
            connection.run(
                """INSERT INTO "Message" ("id", "threadId", "senderId", "content")
                   SELECT gen_random_uuid(), "id", 'u', '' FROM "Thread" WHERE "sessionId" = :id""",
                id=user.session,
            )
        else:
            connection.run("""UPDATE "Session" SET "endTime" = NULL WHERE "id" = :id""", id=user.session)
            self._opens(connection, user, 1)
        user.events.append((time.monotonic(), "used"))
        self.returns += 1


def disturb(database: Database, corals: Corals, until: float) -> None:
    """Now and then cut a cleanup's connection, or restart a task: its Coral server forgets its pools."""
    chance = random.Random(3)
    with closing(database.server.connect()) as admin:
        while time.monotonic() < until:
            time.sleep(chance.uniform(0.2, 1))
            if chance.random() < 0.3:
                chance.choice(corals.tasks).pools.clear()
            else:
                admin.run(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name",
                    name=chance.choice(["session_cleanup", "thread_cleanup"]),
                )


def settings(corals: Corals) -> Settings:
    unused = {"database_host": "h", "database_port": 1, "database_name": "d", "database_user": "u"}
    names = {"environment": "rehearsal", "ecs_cluster": "c", "ecs_service": "s"}
    return Settings(**unused, **names, coral_port=corals.port, pools=POOLS)  # type: ignore[arg-type]


def end_sessions(login: Credentials, corals: Corals) -> None:
    until = time.monotonic() + 20
    run = session_cleanup.Cleanup(
        settings(corals),  # type: ignore[arg-type]
        60,
        lambda: int(1000 * (until - time.monotonic())),
        Logger(level="CRITICAL"),
    )
    with shared_database.writing(login, application_name="session_cleanup") as writer:
        run.run(writer)


def close_threads(_login: Credentials, corals: Corals) -> None:
    thread_cleanup.Cleanup(settings(corals), Options(force=True), seconds=30, grace_seconds=0.3).run()


def again_and_again(run: Callable[[], None], until: float) -> int:
    """Run until then; return how often it succeeded."""
    succeeded = 0
    while time.monotonic() < until:
        with suppress(DatabaseError, NoThreadsListedError, OutOfTimeError, RefusedError):
            run()
            succeeded += 1
    return succeeded


@contextmanager
def live(login: Credentials, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Sent, Corals]]:
    sent = recorded(monkeypatch)
    monkeypatch.setattr(shared_database, "iam_login", lambda _config: login)
    monkeypatch.setattr(thread_cleanup, "_LOOKUP_SECONDS", 1)
    with Corals(2, answer_seconds=0.06) as corals:
        tasks = Tasks(tuple(Task(one.id, one.address) for one in corals.tasks))
        for module in (session_cleanup, thread_cleanup):
            monkeypatch.setattr(module, "service_tasks", lambda *_, **__: tasks)
        yield sent, corals


def test_no_user_who_came_back_before_the_question_loses_a_thread(
    database: Database, ops_login: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(database.connect()) as owner:
        owner.run("""INSERT INTO "User" ("id", "walletAddress", "username") VALUES ('u', 'w', 'n')""")
    with live(ops_login, monkeypatch) as (sent, corals), ThreadPoolExecutor(USERS_AT_ONCE + 3) as executor:
        until = time.monotonic() + SECONDS
        application = Application(database, corals, until)
        work = [executor.submit(application.work, seed) for seed in range(USERS_AT_ONCE)]
        work.append(executor.submit(disturb, database, corals, until))
        runs = [
            executor.submit(again_and_again, lambda: end_sessions(ops_login, corals), until),
            executor.submit(again_and_again, lambda: close_threads(ops_login, corals), until),
        ]
        for one in work:
            one.result()
        succeeded = [one.result() for one in runs]
    users = {thread: user for user in application.users for thread in user.threads}
    lost = [one for one in sent.deletes if not users[one.thread].may_lose(one)]
    assert lost == []
    assert sent.slowest() <= JUSTIFIED_SECONDS
    assert min(succeeded) > 0
    assert application.returns > 20
    assert len(sent.deletes) > 20
