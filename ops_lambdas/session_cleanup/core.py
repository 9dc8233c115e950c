"""What session cleanup decides and tells. Values in, values out."""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, TypedDict

from ops_lambdas.shared.settings import Flag, between

# The application lets a session stand idle for an hour.
IDLE_MINUTES = 60
# A character's answer can take minutes: below this, conversations under way would be ended.
MIN_IDLE_MINUTES = 10
# Sessions are a week's: none is still wanted after one.
MAX_IDLE_MINUTES = 7 * 24 * 60
# Holds a batch's row locks for some tens of milliseconds; larger ones are hardly faster.
BATCH_SESSIONS = 2000
# More than some minutes suffice to close on each task, and some 10 MB. Thread cleanup closes the rest.
MAX_THREADS = 50_000
# Ending sessions gets this share of the time: slow Coral servers must not keep sessions from being ended,
# nor a slow database all threads from being closed.
SESSIONS_SHARE = 0.5
# For what comes after the last thread: metrics, log lines, and the end of a call under way.
RESERVED_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person may ask for: a look without a change, and another age."""

    dry_run: Flag = False
    older_than_minutes: Annotated[int, between(MIN_IDLE_MINUTES, MAX_IDLE_MINUTES, "minutes")] = IDLE_MINUTES


class Thread(NamedTuple):
    """A thread of an ended session: its pool, and its id on the Coral server."""

    pool: str
    coral_id: str


@dataclass(frozen=True)
class Batch:
    """What became of some stale sessions whose turn it was.

    Attributes:
        stale: how many were found idle.
        ended: how many of them were idle still, and held by nobody.
        threads: of the ended ones.
    """

    stale: int
    ended: int
    threads: tuple[Thread, ...]


@dataclass(frozen=True)
class Sessions:
    """What became of all sessions that were found idle.

    Attributes:
        stale: how many there were.
        ended: how many were ended.
        spared: became active before it was their turn, or were held by somebody.
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
        """How many had no turn yet; the next run finds them."""
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
    """What became of the threads of ended sessions.

    Attributes:
        threads: closed on every task, or there were none of their ids.
        left: perhaps still open on a task; thread cleanup closes them.
        tasks: that were asked.
        tasks_failed: did not close all.
    """

    threads: int = 0
    left: int = 0
    tasks: int = 0
    tasks_failed: int = 0


class Cleaned(TypedDict):
    """The check's result when it ended what it found idle."""

    state: Literal["cleaned"]
    environment: str
    older_than_minutes: int
    sessions_stale: int
    sessions_ended: int
    sessions_spared: int
    sessions_left: int
    threads_closed: int
    threads_left: int
    tasks: int
    tasks_failed: int


class PoolResult(TypedDict):
    """What is idle in one pool."""

    pool: str
    sessions_stale: int
    threads: int


class DryRun(TypedDict):
    """The check's result when it only looked."""

    state: Literal["dry_run"]
    environment: str
    older_than_minutes: int
    sessions_stale: int
    threads: int
    pools: list[PoolResult]


class NothingDone(TypedDict):
    """The check's result before the application made its tables, or while another run is at it."""

    state: Literal["tables_missing", "already_running"]
    environment: str


SessionCleanupResult = Cleaned | DryRun | NothingDone


def seconds_for_sessions(remaining_seconds: float) -> float:
    """Return how long sessions may be ended, given what remains until the function is ended."""
    return max(remaining_seconds - RESERVED_SECONDS, 0) * SESSIONS_SHARE


def seconds_for_threads(remaining_seconds: float) -> float:
    """Return how long threads may be closed, given what remains until the function is ended."""
    return max(remaining_seconds - RESERVED_SECONDS, 0)


def unreached(closed: Closed, tasks: int) -> Closed:
    """Return the same with tasks more that could not be asked: no thread is known to be closed on them."""
    return Closed(
        left=closed.threads + closed.left, tasks=closed.tasks + tasks, tasks_failed=closed.tasks_failed + tasks
    )


def cleaned(sessions: Sessions, closed: Closed, *, environment: str, older_than_minutes: int) -> Cleaned:
    """Return the result that tells what was done."""
    return {
        "state": "cleaned",
        "environment": environment,
        "older_than_minutes": older_than_minutes,
        "sessions_stale": sessions.stale,
        "sessions_ended": sessions.ended,
        "sessions_spared": sessions.spared,
        "sessions_left": sessions.left,
        "threads_closed": closed.threads,
        "threads_left": closed.left + sessions.unkept_threads,
        "tasks": closed.tasks,
        "tasks_failed": closed.tasks_failed,
    }


def looked(stale: list[PoolResult], *, environment: str, older_than_minutes: int) -> DryRun:
    """Return the result that tells what would be done."""
    return {
        "state": "dry_run",
        "environment": environment,
        "older_than_minutes": older_than_minutes,
        "sessions_stale": sum(pool["sessions_stale"] for pool in stale),
        "threads": sum(pool["threads"] for pool in stale),
        "pools": stale,
    }
