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
    writer.rows(queries.PRICE_PAGES)
    batches = writer.rows(queries.STALE_BATCHES, idle_since=idle_since, batch_sessions=batch_sessions)
    sessions = core.Sessions(
        stale=sum(count for is_silent, count, _ in batches if is_silent),
        kept_active=sum(count for is_silent, count, _ in batches if not is_silent),
        idle_since=idle_since,
    )
    yield sessions
    for is_silent, stale, places in batches:
        if not is_silent:
            continue
        with writer.transaction():
            ((locked,),) = writer.rows(queries.LOCK, places=places, idle_since=idle_since)
            rows = writer.rows(queries.END, places=locked or "{}", idle_since=idle_since)
        sessions = sessions.add(_batch(stale, rows))
        yield sessions


def count_stale(reader: Reader, *, older_than_minutes: int) -> list[core.PoolStale]:
    """Count, for each pool, the sessions that would be ended, their threads, and those that activity would keep."""
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
