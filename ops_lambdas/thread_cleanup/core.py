"""What thread cleanup decides and tells. Values in, values out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Annotated, Literal, NamedTuple, TypedDict, TypeVar

from ops_lambdas.shared.settings import DatabaseSettings, Flag, Kind, PoolNames, TaskSettings

# The application opens a thread on Coral first and records it afterwards; in an incident, answers after
# tens of seconds are normal.
GRACE_SECONDS = 120
_MAX_GRACE_SECONDS = 300
# Ten full tasks hold 2,000 threads (five pools of 40): more than some of those is a day's leak, and half an
# hour later comes the next run.
MAX_CLOSED = 10_000
# More than half unknown: rather have we lost sight of the database's threads than the application of so many.
MAX_UNKNOWN_SHARE = 0.5
# At night one forgotten thread may be all there is. Half of one pool's soft limit bounds what is lost if even
# that is a mistake.
MIN_UNKNOWN_TO_REFUSE = 20
# So many are asked about once more right before they are closed, as their session may have opened again.
WAVE_THREADS = 1000

Item = TypeVar("Item")
State = Literal["cleaned", "dry_run", "tables_missing", "already_running"]


def _grace(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= _MAX_GRACE_SECONDS):
        raise ValueError
    return int(value)


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, TaskSettings):
    """What thread cleanup is configured with.

    Attributes:
        pools: those whose threads are cleaned, on each task.
        grace_seconds: a thread younger than this is left alone, and one whose session ended since then.
    """

    pools: PoolNames
    grace_seconds: Annotated[int, Kind(f"whole seconds, 1 to {_MAX_GRACE_SECONDS}", _grace)] = GRACE_SECONDS


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person may ask for: a look without closing, and closing though most threads are unknown."""

    dry_run: Flag = False
    force: Flag = False


class Held(NamedTuple):
    """A thread that a task's Coral server holds."""

    task: str
    pool: str
    thread: str


@dataclass(frozen=True)
class Listing:
    """What the tasks hold.

    Attributes:
        answering: ids of the tasks that listed at least one pool.
        unreachable: ids of those that did not answer.
        failed: pools on tasks that could not be listed otherwise, and why.
    """

    held: tuple[Held, ...]
    answering: tuple[str, ...]
    unreachable: tuple[str, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True)
class Judgement:
    """Which of the listed threads may be closed.

    Attributes:
        unknown: the database has none of their ids.
        ended: recorded more than the grace period ago, in sessions that all ended longer ago than that.
    """

    listed: int
    unknown: tuple[Held, ...]
    ended: tuple[Held, ...]

    @property
    def is_believable(self) -> bool:
        """Whether so many can be unknown without a fault in how we look."""
        return len(self.unknown) < MIN_UNKNOWN_TO_REFUSE or len(self.unknown) <= MAX_UNKNOWN_SHARE * self.listed


class PoolResult(TypedDict):
    """One pool over all tasks."""

    pool: str
    threads_listed: int
    threads_unknown: int
    threads_ended: int


class Cleaned(TypedDict):
    """The check's result when it looked at all threads.

    `threads_closed` were closed now, `threads_gone` had closed by themselves, `threads_failed` may still be
    open, for `threads_left` there was no time, no more room below the cap, or no task that answered. Those
    found again in an open session right before closing are `threads_spared`.
    """

    state: Literal["cleaned", "dry_run"]
    environment: str
    is_complete: bool
    would_refuse: bool
    tasks: int
    tasks_unreachable: list[str]
    tasks_without_address: list[str]
    listings_failed: list[str]
    threads_listed: int
    threads_unknown: int
    threads_ended: int
    threads_closed: int
    threads_gone: int
    threads_failed: int
    threads_spared: int
    threads_left: int
    pools: list[PoolResult]


class NothingDone(TypedDict):
    """The check's result before the application made its tables, or while another run is at it."""

    state: Literal["tables_missing", "already_running"]
    environment: str


ThreadCleanupResult = Cleaned | NothingDone


def judge(held: Sequence[Held], known: Mapping[str, bool]) -> Judgement:
    """Tell which threads may be closed.

    Args:
        known: of each id that the database has, whether it may be closed.
    """
    return Judgement(
        listed=len(held),
        unknown=tuple(one for one in held if one.thread not in known),
        ended=tuple(one for one in held if known.get(one.thread, False)),
    )


def closing_order(judgement: Judgement) -> list[Held]:
    """Return what may be closed, surest first, with neighbours on different tasks: they close in parallel."""
    return [*_task_by_task(judgement.ended), *_task_by_task(judgement.unknown)]


def parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Cut into parts of a size; the last one may be smaller."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def by_pool(pools: Iterable[str], held: Iterable[Held], judgement: Judgement) -> list[PoolResult]:
    """Count for each pool."""
    counts = {pool: PoolResult(pool=pool, threads_listed=0, threads_unknown=0, threads_ended=0) for pool in pools}
    for one in held:
        counts[one.pool]["threads_listed"] += 1
    for one in judgement.unknown:
        counts[one.pool]["threads_unknown"] += 1
    for one in judgement.ended:
        counts[one.pool]["threads_ended"] += 1
    return list(counts.values())


def _task_by_task(threads: Iterable[Held]) -> Iterator[Held]:
    of_task: dict[str, list[Held]] = {}
    for one in threads:
        of_task.setdefault(one.task, []).append(one)
    return (one for one in chain.from_iterable(zip_longest(*of_task.values())) if one is not None)
