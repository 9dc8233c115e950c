"""Which threads may be closed, in which order, and when a run refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lambdas.shared.fleet import Held, Listing
from ops_lambdas.shared.tasks import Tasks
from ops_lambdas.thread_cleanup import core, report
from ops_lambdas.thread_cleanup.cleanup import Progress
from ops_lambdas.thread_cleanup.core import Judgement

HELD = st.builds(
    Held,
    task=st.sampled_from(["task-a", "task-b", "task-c"]),
    pool=st.sampled_from(["pool-0", "pool-1"]),
    thread=st.integers(0, 30).map(str),
)
LISTS = st.lists(HELD, unique=True, max_size=60)
KNOWN = st.dictionaries(st.integers(0, 30).map(str), st.booleans())


# In AWS: when it runs in production.
SCHEDULES = {"thread-cleanup": "rate(30 minutes)"}


def publish_every_metric(environment: str) -> None:
    """Publish every metric of the check, for the tests of alarms and dashboard."""
    listing = Listing(listing=("task",))
    progress = Progress(tasks=Tasks(()), listing=listing, judgement=Judgement(0, (), ()), is_refused=False)
    report.publish_metrics(environment, progress)


def judgement(listed: int, unknown: int) -> Judgement:
    return Judgement(listed, tuple(Held("task", "pool-0", str(number)) for number in range(unknown)), ())


@pytest.mark.parametrize(
    ("listed", "unknown", "is_plausible"),
    [
        (0, 0, True),
        (1, 1, True),
        (19, 19, True),
        (20, 20, False),
        (39, 20, False),
        (40, 20, True),
        (41, 21, False),
        (10_000, 5_000, True),
        (10_000, 5_001, False),
        (1_000, 0, True),
    ],
)
def test_more_than_half_unknown_is_implausible_unless_they_are_few(
    listed: int, unknown: int, is_plausible: bool
) -> None:
    assert judgement(listed, unknown).is_plausible is is_plausible


@given(LISTS, KNOWN)
def test_only_what_is_unknown_or_over_may_be_closed_each_once(held: list[Held], known: dict[str, bool]) -> None:
    judged = core.judge(held, known)
    assert judged.listed == len(held)
    assert set(judged.unknown) == {one for one in held if one.thread not in known}
    assert set(judged.ended) == {one for one in held if known.get(one.thread) is True}
    order = core.closing_order(judged)
    assert sorted(order) == sorted({*judged.unknown, *judged.ended})
    assert set(order[: len(judged.ended)]) == set(judged.ended), "the surest first"


@given(LISTS)
def test_tasks_take_turns(held: list[Held]) -> None:
    order = core.closing_order(core.judge(held, {}))
    left = {task: sum(one.task == task for one in held) for task in ("task-a", "task-b", "task-c")}
    for start in range(len(order)):
        waiting = [task for task, count in left.items() if count]
        turn = order[start : start + len(waiting)]
        if start and order[start - 1].task == turn[0].task:
            assert len(waiting) == 1, "a task has two turns only when no other waits"
        left[order[start].task] -= 1


@given(st.lists(st.integers()), st.integers(1, 10))
def test_parts_are_the_whole_in_order(items: list[int], size: int) -> None:
    parts = list(core.parts(items, size))
    assert [item for part in parts for item in part] == items
    assert all(len(part) == size for part in parts[:-1])
    assert all(0 < len(part) <= size for part in parts)


@given(LISTS, KNOWN)
def test_pools_sum_up_to_all(held: list[Held], known: dict[str, bool]) -> None:
    judged = core.judge(held, known)
    pools = report.by_pool(["pool-0", "pool-1", "pool-2"], held, judged)
    assert [pool["pool"] for pool in pools] == ["pool-0", "pool-1", "pool-2"]
    assert sum(pool["threads_listed"] for pool in pools) == judged.listed
    assert sum(pool["threads_unknown"] for pool in pools) == len(judged.unknown)
    assert sum(pool["threads_ended"] for pool in pools) == len(judged.ended)
