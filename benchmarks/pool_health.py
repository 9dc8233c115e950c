"""Pool health's query in a large table against the same open sessions in a small one."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pg8000.native

from benchmarks.comparison import Comparison, SideError
from ops_lambdas.pool_health import core, queries
from rehearsal.postgresql.server import Postgres
from rehearsal.stand_in import TABLES_SQL

MAX_RATIO = 1.5
OPEN_SESSIONS = 10_000
ENDED_SESSIONS = 990_000
# The open ones were active during the last three hours, so some are active, some idle and some stuck; the
# ended ones during the last year. Both in equal steps, oldest first, as the application writes them.
OPEN_MINUTES = 180
ENDED_MINUTES = 365 * 24 * 60
_LOADING_SECONDS = 120  # a statement may take that long

# Ids begin with their creation time, as the application's do (Prisma's cuid). Each session has one thread and message.
_FILL = """
WITH added AS (
  INSERT INTO "Session" ("id", "userId", "coralSessionId", "weekId", "startTime", "lastActivityAt", "endTime")
  SELECT 'c' || lpad(to_hex((1000000000000 - minutes * 60000)::bigint), 11, '0') || left(md5(n::text), 13),
         CASE WHEN :is_open THEN 'open-' ELSE 'ended-' END || n, 'pool-' || n % 5, 'week',
         utc - (minutes + 30) * interval '1 minute', utc - minutes * interval '1 minute',
         CASE WHEN NOT :is_open THEN utc - (minutes - 1) * interval '1 minute' END
  FROM (SELECT n, n * CAST(:minutes AS float8) / :count AS minutes
        FROM generate_series(CAST(:count AS int), 1, -1) AS n) AS sessions,
       (SELECT now() AT TIME ZONE 'UTC' AS utc) AS clock
  RETURNING "id", "startTime"
), thread AS (
  INSERT INTO "Thread" ("id", "sessionId", "coralThreadId", "agentId", "createdAt")
  SELECT 't' || "id", "id", md5("id"), 'agent-cz', "startTime" FROM added
  RETURNING "id", "createdAt"
)
INSERT INTO "Message" ("id", "threadId", "senderId", "content", "timestamp", "createdAt")
SELECT 'm' || "id", "id", 'user', 'Good morning', "createdAt", "createdAt" FROM thread
"""


@contextmanager
def pool_health() -> Iterator[Comparison]:
    """1,000,000 sessions of which 1 % are open, against these alone; the query itself, connected before."""
    with TemporaryDirectory() as name, Postgres(Path(name) / "postgres") as server:
        large = _database(server, "large", ended_sessions=ENDED_SESSIONS)
        small = _database(server, "small", ended_sessions=0)
        yield Comparison(
            name="pool health of 1,000,000 sessions, 1 % open / of the open ones alone",
            ours=lambda: _ask(large),
            baseline=lambda: _ask(small),
            bound=MAX_RATIO,
            rounds=25,
        )
        large.close()
        small.close()


def _database(server: Postgres, name: str, *, ended_sessions: int) -> pg8000.native.Connection:
    admin = server.connect()
    admin.run(f"CREATE DATABASE {name}")
    admin.close()
    connection = pg8000.native.Connection(
        "postgres",
        host=server.host,
        port=server.port,
        database=name,
        password=server.admin_password,
        ssl_context=ssl.create_default_context(cafile=server.ca_file),
        timeout=_LOADING_SECONDS,
    )
    statements = [one for one in TABLES_SQL.read_text().split(";") if one.strip()]
    indexes = [one for one in statements if "INDEX" in one]
    for statement in [one for one in statements if one not in indexes]:
        connection.run(statement)
    connection.run("SET session_replication_role = replica")  # a million foreign keys take long to check
    if ended_sessions:
        connection.run(_FILL, count=ended_sessions, minutes=ENDED_MINUTES, is_open=False)
    connection.run(_FILL, count=OPEN_SESSIONS, minutes=OPEN_MINUTES, is_open=True)
    for statement in (*indexes, 'VACUUM ANALYZE "Session"', 'VACUUM ANALYZE "Thread"'):
        connection.run(statement)
    return connection


def _ask(connection: pg8000.native.Connection) -> None:
    rows = connection.run(
        queries.POOLS,
        active_minutes=core.ACTIVE_WITHIN_MINUTES,
        stuck_minutes=core.STUCK_AFTER_MINUTES,
        inactive_limit=core.INACTIVE_LIMIT,
    )
    pools = core.counts(rows or []).pools
    if len(pools) != 5 or not all(count.active_sessions and count.stuck_sessions for count in pools):
        raise SideError(f"five pools with active and stuck sessions were expected, got {pools}")
