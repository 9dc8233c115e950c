"""Closing the threads of ended sessions on the Coral servers of all tasks at once."""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ops_lambdas.session_cleanup.core import Closed, Thread
from ops_lambdas.shared.coral import Coral, is_usable_id
from ops_lambdas.shared.http import HttpClient

# Calls at a time to one Coral server, which answers its users meanwhile.
CALLS_PER_TASK = 8
# As many as are under way at once: a server that hangs costs no more than one of its timeouts.
MAX_FAILURES = CALLS_PER_TASK
_MAX_WORKERS = 64  # below the files that a function may open, whatever number of tasks runs
_ANSWER_SECONDS = 5.0


@dataclass
class _Progress:
    """How far one task is. Workers share it; each of its operations is atomic."""

    coral: Coral
    turns: "itertools.count[int]" = field(default_factory=itertools.count)
    closed: set[int] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)
    is_given_up: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of the threads, and why it failed on which task (its address)."""

    closed: Closed
    reasons: dict[str, str]


def close_everywhere(addresses: Sequence[str], port: int, threads: Sequence[Thread], *, seconds: float) -> Outcome:
    """Close each thread on each task: it lives on one of them, and the database does not know which.

    A task that fails again and again is given up; thread cleanup, which comes later, closes what is left.

    Args:
        addresses: of the running tasks.
        seconds: after this, what is not closed is left.
    """
    if not (threads and addresses):
        return Outcome(Closed(threads=len(threads), tasks=len(addresses)), {})
    # What means something else in a URL is no thread of Coral's, and says nothing about a task.
    usable = [thread for thread in threads if is_usable_id(thread.pool) and is_usable_id(thread.coral_id)]
    with (
        HttpClient(seconds=seconds, answer_seconds=_ANSWER_SECONDS, connections=CALLS_PER_TASK) as client,
        ThreadPoolExecutor(min(len(addresses) * CALLS_PER_TASK, _MAX_WORKERS)) as workers,
    ):
        tasks = [_Progress(Coral(client, address, port)) for address in addresses]
        # A worker of each task before the second of any: no task waits for another that hangs.
        turns = [task for _ in range(CALLS_PER_TASK) for task in tasks]
        for _ in workers.map(_close, turns, itertools.repeat(usable)):
            pass
    closed = set.intersection(*(task.closed for task in tasks))
    return Outcome(
        Closed(
            threads=len(closed),
            left=len(threads) - len(closed),
            tasks=len(tasks),
            tasks_failed=sum(len(task.closed) < len(usable) for task in tasks),
        ),
        {task.coral.address: task.reasons[0] for task in tasks if task.reasons},
    )


def _close(task: _Progress, threads: Sequence[Thread]) -> None:
    while not task.is_given_up and (turn := next(task.turns)) < len(threads):
        result = task.coral.close(*threads[turn])
        if result.outcome in ("closed", "gone"):
            task.closed.add(turn)
            continue
        task.reasons.append(result.reason)
        if result.outcome != "failed" or len(task.reasons) >= MAX_FAILURES:
            task.is_given_up = True
