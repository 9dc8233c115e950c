"""What session cleanup counts, and how it divides its time. Values in, values out."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from ops_lambdas.shared.closing import Closings, Outcome
from ops_lambdas.shared.coral import Thread
from ops_lambdas.shared.fleet import Held, Listing
from ops_lambdas.shared.tasks import Tasks

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
    """How many sessions of a pool are idle, their threads, and how many only look idle by `lastActivityAt`."""

    pool: str
    sessions: int
    threads: int
    kept_active: int = 0


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
        kept_active: not among these: idle by `lastActivityAt`, but with a younger thread or message.
        idle_since: the moment since which the others were idle; UTC, without a zone.
    """

    stale: int = 0
    ended: int = 0
    spared: int = 0
    threads: tuple[Thread, ...] = ()
    unkept_threads: int = 0
    kept_active: int = 0
    idle_since: datetime | None = None

    @property
    def left(self) -> int:
        """How many were not in a batch yet; the next run finds them."""
        return self.stale - self.ended - self.spared

    def add(self, batch: Batch) -> "Sessions":
        """Return the same with one more batch."""
        room = MAX_THREADS - len(self.threads)
        return replace(
            self,
            ended=self.ended + batch.ended,
            spared=self.spared + batch.stale - batch.ended,
            threads=(*self.threads, *batch.threads[:room]),
            unkept_threads=self.unkept_threads + len(batch.threads[room:]),
        )


@dataclass(frozen=True)
class Closed:
    """The outcome for the threads of ended sessions.

    Attributes:
        threads: no task holds them any more, or ever did.
        spared: may not be closed, as somebody uses them again, or another session does.
        left: may still be open on a task; thread cleanup closes them.
        still_listed: of those, closed by a task's answer, and still in its list.
        tasks: that are running.
        tasks_failed: did not list all, or did not close all.
        has_threads_api: False when every task's Coral server has no such routes.
        listing: what the tasks hold; None: nothing was asked.
    """

    threads: int = 0
    spared: int = 0
    left: int = 0
    still_listed: int = 0
    tasks: int = 0
    tasks_failed: int = 0
    has_threads_api: bool = True
    listing: Listing | None = None


def seconds_for_sessions(remaining_seconds: float) -> float:
    """Return how long sessions may be ended, given what remains until the function's timeout."""
    return max(remaining_seconds - RESERVED_SECONDS, 0) * SESSIONS_SHARE


def seconds_for_threads(remaining_seconds: float) -> float:
    """Return how long threads may be closed, given what remains until the function's timeout."""
    return max(remaining_seconds - RESERVED_SECONDS, 0)


def held_of(listing: Listing, threads: Iterable[Thread]) -> list[Held]:
    """Return where these threads are held: by their ids, as a session may have changed its pool."""
    ids = {thread.id for thread in threads}
    return [one for one in listing.held if one.thread in ids]


def closed(threads: Iterable[Thread], tasks: Tasks, listing: Listing, closings: Closings) -> Closed:
    """Count the threads by their worst outcome on any task.

    One that no task holds is closed, but only when every task could be asked.
    """
    outcomes: dict[str, set[Outcome | None]] = {}
    for one in listing.held:
        outcomes.setdefault(one.thread, set()).add(closings.outcomes.get(one))
    is_complete = listing.is_complete and not tasks.without_address
    counts = {"closed": 0, "spared": 0, "left": 0}
    for thread in threads:
        counts[_worst(outcomes.get(thread.id, {"gone" if is_complete else None}))] += 1
    not_closed = {one.task for one in listing.held if closings.outcomes.get(one) == "failed"}
    return Closed(
        threads=counts["closed"],
        spared=counts["spared"],
        left=counts["left"],
        still_listed=closings.still_listed,
        tasks=len(tasks.running) + len(tasks.without_address),
        tasks_failed=len(listing.failing | not_closed) + len(tasks.without_address),
        listing=listing,
    )


def without_threads_api(threads: int, tasks: int) -> Closed:
    """Return the outcome when no task's Coral server can close threads."""
    return Closed(left=threads, tasks=tasks, tasks_failed=tasks, has_threads_api=False)


def _worst(outcomes: set[Outcome | None]) -> str:
    if outcomes <= {"closed", "gone"}:
        return "closed"
    return "spared" if outcomes <= {"closed", "gone", "spared"} else "left"
