"""Ending stale sessions in the database, batch by batch, or counting them."""

from collections.abc import Iterator
from typing import Any

from ops_lambdas.session_cleanup import core, queries
from ops_lambdas.shared.coral import Thread
from ops_lambdas.shared.database import Reader, Writer


def end_stale(
    writer: Writer, *, older_than_minutes: int, batch_sessions: int = core.BATCH_SESSIONS
) -> Iterator[core.Sessions]:
    """End the open sessions that have been idle for longer, each batch in its own transaction.

    Yields: the outcome so far: first when they are found, then after each committed batch. Without a further
        `next`, no further batch is ended.
    """
    ((idle_since,),) = writer.rows(queries.IDLE_SINCE, minutes=older_than_minutes)
    batches = writer.rows(queries.STALE_BATCHES, idle_since=idle_since, batch_sessions=batch_sessions)
    sessions = core.Sessions(stale=sum(stale for stale, _ in batches))
    yield sessions
    writer.rows(queries.PRICE_PAGES)
    for stale, places in batches:
        with writer.transaction():
            rows = writer.rows(queries.END, places=places, idle_since=idle_since)
        sessions = sessions.add(_batch(stale, rows))
        yield sessions


def count_stale(reader: Reader, *, older_than_minutes: int) -> list[core.PoolStale]:
    """Count, for each pool, the sessions that would be ended, and their threads."""
    ((idle_since,),) = reader.rows(queries.IDLE_SINCE, minutes=older_than_minutes)
    rows = reader.rows(queries.COUNT_STALE, idle_since=idle_since)
    return [core.PoolStale(*row) for row in rows]


def _batch(stale: int, rows: list[list[Any]]) -> core.Batch:
    ended = 0
    threads: list[Thread] = []
    for pool, count, ids_by_session in rows:
        ended += count
        for ids in ids_by_session:
            threads += [Thread(pool, coral_id) for coral_id in ids or ()]
    return core.Batch(stale, ended, tuple(threads))
