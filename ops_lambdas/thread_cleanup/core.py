"""Which threads may be closed, in which order, and when a run refuses. Values in, values out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Literal, TypeVar

from ops_lambdas.shared.fleet import Held

# Ten full tasks hold 2,000 threads (five pools of 40): several times that is a day's leak, and the next run comes
# half an hour later.
MAX_CLOSED = 10_000
# More than half unknown: a fault of this check is likelier than an application that forgot that many.
MAX_UNKNOWN_SHARE = 0.5
# At night one forgotten thread may be all there is. Half of one pool's soft limit bounds the loss if even that is a
# mistake.
MIN_UNKNOWN_TO_REFUSE = 20

Item = TypeVar("Item")
State = Literal["cleaned", "dry_run", "tables_missing", "already_running", "no_threads_api"]


@dataclass(frozen=True)
class Judgement:
    """Which of the listed threads may be closed.

    Attributes:
        unknown: the database has none of their ids.
        ended: over in all their sessions, which ended longer ago than the grace period.
    """

    listed: int
    unknown: tuple[Held, ...]
    ended: tuple[Held, ...]

    @property
    def is_plausible(self) -> bool:
        """Whether that many can be unknown without a fault of this check."""
        return len(self.unknown) < MIN_UNKNOWN_TO_REFUSE or len(self.unknown) <= MAX_UNKNOWN_SHARE * self.listed


def judge(held: Sequence[Held], known: Mapping[str, bool]) -> Judgement:
    """Find which threads may be closed.

    Args:
        known: of each id that the database has, whether it may be closed.
    """
    return Judgement(
        listed=len(held),
        unknown=tuple(one for one in held if one.thread not in known),
        ended=tuple(one for one in held if known.get(one.thread, False)),
    )


def closing_order(judgement: Judgement) -> list[Held]:
    """Return what may be closed, surest first, with neighbours on different tasks so that they close in parallel."""
    return [*_task_by_task(judgement.ended), *_task_by_task(judgement.unknown)]


def parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Split into parts of a size; the last one may be smaller."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _task_by_task(threads: Iterable[Held]) -> Iterator[Held]:
    of_task: dict[str, list[Held]] = {}
    for one in threads:
        of_task.setdefault(one.task, []).append(one)
    return (one for one in chain.from_iterable(zip_longest(*of_task.values())) if one is not None)
