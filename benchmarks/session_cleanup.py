"""Ending 100,000 stale sessions against the application's way, one at a time, each with its own commit."""

import itertools
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pg8000.native

from benchmarks.comparison import Comparison, SideError
from ops_lambdas.session_cleanup.access import end_stale
from ops_lambdas.session_cleanup.settings import IDLE_MINUTES
from ops_lambdas.shared.database import Writer
from rehearsal.postgresql.server import Postgres
from rehearsal.stand_in import TABLES_SQL, cron_routes

# We also look twice at what was last said in each session, the second time under its lock.
MIN_TIMES_FASTER = 12
SESSIONS = 100_000
# The application's way is timed on one session in fifty of a table as large, the others of which have ended:
# it works through one after another, so all take fifty times as long.
SAMPLE = 50
THREADS, MESSAGES = 2, 3  # of each session, and of each thread
_LOADING_SECONDS = 120  # a statement may take that long

# Ids begin with their creation time, as the application's do (Prisma's cuid).
_FILL = """
INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId", "startTime", "lastActivityAt", "endTime")
SELECT 'c' || lpad(to_hex(n), 11, '0') || left(md5(n::text), 13), 'user-' || n, 'pool-' || n % 5, 'week',
       utc - interval '8 hours', utc - interval '2 hours' - (:sessions - n) * interval '1 second',
       CASE WHEN n % :sample > 0 THEN utc - interval '1 hour' END
FROM generate_series(1, :sessions) AS n, (SELECT now() AT TIME ZONE 'UTC' AS utc) AS clock
"""
_THREADS = """
INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId", "createdAt")
SELECT 't' || "id" || n, "id", md5("id" || n), 'agent-' || n, "startTime"
FROM "Session", generate_series(1, :threads) AS n
"""
_MESSAGES = """
INSERT INTO "Message" ("id", "threadId", "senderId", "content", "timestamp", "createdAt")
SELECT 'm' || "id" || n, "id", 'user', 'Good morning', "createdAt", "createdAt"
FROM "Thread", generate_series(1, :messages) AS n
"""


class _NoCoral:
    """A Coral server without threads: the databases' work is compared, not the servers'."""

    def threads(self, _pool: str) -> list[str]:
        return []

    def close(self, _pool: str, _thread: str) -> bool:
        return False


class _Copies:
    """A fresh copy of a database for each run of a side."""

    def __init__(self, server: Postgres, template: str, stale: int) -> None:
        self._server, self._template, self._stale = server, template, stale
        self._numbers = itertools.count()
        self._connection: pg8000.native.Connection | None = None

    def prepare(self) -> None:
        self.close()
        name = f"{self._template}_{next(self._numbers)}"
        with closing(connect(self._server, "postgres")) as admin:
            admin.run(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy")
            admin.run("CHECKPOINT")  # otherwise the side's time would include it
        self._connection = connect(self._server, name)

    def connection(self) -> pg8000.native.Connection:
        if self._connection is None:
            raise SideError("there is no copy")
        return self._connection

    def check(self, ended: int) -> None:
        """Make sure that the side did its work."""
        ((left,),) = self.connection().run('SELECT count(*) FROM "Session" WHERE "endTime" IS NULL')
        if ended != self._stale or left:
            raise SideError(f"{self._stale} sessions were to be ended, got {ended}, and {left} are open")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


@contextmanager
def session_cleanup() -> Iterator[Comparison]:
    """Both sides as one connection over TLS, with durable commits as in production."""
    with TemporaryDirectory() as name, Postgres(Path(name) / "postgres") as server:
        _make_durable(server)
        _fill(server, "stale", sample=1)
        _fill(server, "sample", sample=SAMPLE)
        ours, baseline = _Copies(server, "stale", SESSIONS), _Copies(server, "sample", SESSIONS // SAMPLE)

        def in_batches() -> None:
            *_, result = end_stale(Writer(ours.connection()), older_than_minutes=IDLE_MINUTES)
            ours.check(result.ended)

        def one_at_a_time() -> None:
            result = cron_routes.session_cleanup(baseline.connection(), _NoCoral(), [])
            baseline.check(result["expiredSessions"])

        yield Comparison(
            name="session cleanup of 100,000 stale sessions / one at a time",
            ours=in_batches,
            baseline=one_at_a_time,
            prepare_ours=ours.prepare,
            prepare_baseline=baseline.prepare,
            baseline_times=SAMPLE,
            bound=1 / MIN_TIMES_FASTER,
            rounds=3,
        )
        ours.close()
        baseline.close()


def connect(server: Postgres, database: str) -> pg8000.native.Connection:
    """Connect as the superuser, with time for large statements."""
    return pg8000.native.Connection(
        "postgres",
        host=server.host,
        port=server.port,
        database=database,
        password=server.admin_password,
        ssl_context=ssl.create_default_context(cafile=server.ca_file),
        timeout=_LOADING_SECONDS,
    )


def _make_durable(server: Postgres) -> None:
    """Undo what makes the rehearsal's server fast: a commit waits for the disk, as it does on RDS."""
    with closing(connect(server, "postgres")) as admin:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            admin.run(f"ALTER SYSTEM SET {setting} = on")
        admin.run("SELECT pg_reload_conf()")


def _fill(server: Postgres, name: str, *, sample: int) -> None:
    with closing(connect(server, "postgres")) as admin:
        admin.run(f"CREATE DATABASE {name}")
    with closing(connect(server, name)) as connection:
        connection.run(TABLES_SQL.read_text())
        connection.run("SET session_replication_role = replica")  # foreign keys of many rows take long to check
        connection.run(_FILL, sessions=SESSIONS, sample=sample)
        connection.run(_THREADS, threads=THREADS)
        connection.run(_MESSAGES, messages=MESSAGES)
        for table in ("Session", "Thread", "Message"):
            connection.run(f'VACUUM ANALYZE "{table}"')
