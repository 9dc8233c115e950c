"""What session cleanup counts, and how it divides its time. Values in, values out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ops_lambdas.shared.coral import Outcome, Thread

# A batch holds its row locks for some tens of milliseconds; larger ones are hardly faster.
BATCH_SESSIONS = 2000
# More than can be closed on each task in some minutes, and some 10 MB. Thread cleanup closes the rest.
MAX_THREADS = 50_000
# Ending sessions gets this share of the time: slow Coral servers must not keep sessions from being ended,
# nor a slow database all threads from being closed.
SESSIONS_SHARE = 0.5
# For what comes after the last thread: metrics, log lines, and the end of a call under way.
RESERVED_SECONDS = 10.0


class PoolStale(NamedTuple):
    """How many sessions of a pool are idle, and their threads."""

    pool: str
    sessions: int
    threads: int


@dataclass(frozen=True)
class Batch:
    """The outcome of one batch of stale sessions.

    Attributes:
        stale: how many were found idle.
        ended: how many of them were still idle, and not locked by anybody.
        threads: of the ended ones.
    """

    stale: int
    ended: int
    threads: tuple[Thread, ...]


@dataclass(frozen=True)
class Sessions:
    """The outcome for all sessions that were found idle.

    Attributes:
        stale: how many there were.
        ended: how many were ended.
        spared: became active before their batch, or were locked by somebody.
        threads: of the ended ones, at most MAX_THREADS.
        unkept_threads: how many more there were.
    """

    stale: int = 0
    ended: int = 0
    spared: int = 0
    threads: tuple[Thread, ...] = ()
    unkept_threads: int = 0

    @property
    def left(self) -> int:
        """How many were not in a batch yet; the next run finds them."""
        return self.stale - self.ended - self.spared

    def add(self, batch: Batch) -> "Sessions":
        """Return the same with one more batch."""
        room = MAX_THREADS - len(self.threads)
        return Sessions(
            stale=self.stale,
            ended=self.ended + batch.ended,
            spared=self.spared + batch.stale - batch.ended,
            threads=(*self.threads, *batch.threads[:room]),
            unkept_threads=self.unkept_threads + len(batch.threads[room:]),
        )


@dataclass(frozen=True)
class Closed:
    """The outcome for the threads of ended sessions.

    Attributes:
        threads: closed on every task, or there were none of their ids.
        left: may still be open on a task; thread cleanup closes them.
        tasks: that are running.
        tasks_failed: did not close all.
        has_threads_api: False when every task's Coral server has no such routes.
    """

    threads: int = 0
    left: int = 0
    tasks: int = 0
    tasks_failed: int = 0
    has_threads_api: bool = True


def seconds_for_sessions(remaining_seconds: float) -> float:
    """Return how long sessions may be ended, given what remains until the function's timeout."""
    return max(remaining_seconds - RESERVED_SECONDS, 0) * SESSIONS_SHARE


def seconds_for_threads(remaining_seconds: float) -> float:
    """Return how long threads may be closed, given what remains until the function's timeout."""
    return max(remaining_seconds - RESERVED_SECONDS, 0)


def closed(threads: int, outcomes: Collection[Sequence[Outcome | None]]) -> Closed:
    """Count the threads that are closed on every task: each lives on one, and the database does not know which.

    Args:
        threads: how many there are.
        outcomes: for each task, of those threads that could be tried, in the same order.
    """
    if not outcomes:
        return Closed(threads=threads)
    is_closed = [[outcome in ("closed", "gone") for outcome in of_task] for of_task in outcomes]
    count = sum(map(all, zip(*is_closed, strict=True)))
    return Closed(
        threads=count,
        left=threads - count,
        tasks=len(is_closed),
        tasks_failed=sum(not all(of_task) for of_task in is_closed),
    )


def without_threads_api(threads: int, tasks: int) -> Closed:
    """Return the outcome when no task's Coral server can close threads."""
    return Closed(left=threads, tasks=tasks, tasks_failed=tasks, has_threads_api=False)


def unreached(closed: Closed, tasks: int) -> Closed:
    """Return the same with more tasks, which could not be called: no thread is known to be closed on them."""
    return Closed(
        left=closed.threads + closed.left, tasks=closed.tasks + tasks, tasks_failed=closed.tasks_failed + tasks
    )
