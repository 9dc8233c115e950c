"""The Coral servers of all tasks, listed and cleaned in parallel."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ops_lambdas.shared.coral import Coral, CoralError, Outcome
from ops_lambdas.shared.http import HttpClient
from ops_lambdas.shared.tasks import Task
from ops_lambdas.thread_cleanup.core import Held, Listing

# Calls to one task at a time: its Coral server has players to serve.
CALLS_PER_TASK = 8
# In all. Ten tasks is the most that run; with more, they wait for each other.
_MAX_CALLS = 80


class Fleet:
    """All tasks' Coral servers.

    A task that once does not answer is not called again: each call would cost its whole timeout.
    """

    def __init__(self, client: HttpClient, tasks: Iterable[Task], port: int) -> None:
        self._corals = {task.id: Coral(client, task.address, port) for task in tasks}
        self._silent: set[str] = set()

    def listing(self, pools: Sequence[str]) -> Listing:
        """List the threads of these pools on every task."""
        held: list[Held] = []
        failed: list[str] = []
        answering: set[str] = set()

        def look(task: str) -> None:
            for pool in pools:
                try:
                    threads = self._corals[task].threads(pool)
                except CoralError as error:
                    failed.append(str(error))
                    if error.kind in ("unreachable", "out_of_time"):
                        self._silent.add(task)
                        return
                else:
                    answering.add(task)
                    held.extend(Held(task, pool, thread) for thread in threads)

        _in_parallel([(look, task) for task in self._corals])
        return Listing(
            held=tuple(held),
            answering=tuple(sorted(answering)),
            unreachable=tuple(sorted(self._silent)),
            failed=tuple(sorted(failed)),
        )

    def close(self, threads: Iterable[Held]) -> tuple[Counter[Outcome], list[str]]:
        """Close threads, each on its task.

        Returns: how many came to which outcome, those not tried being in none; and the reasons of failures.
        """
        queues: dict[str, deque[Held]] = {}
        for one in threads:
            queues.setdefault(one.task, deque()).append(one)
        outcomes: list[Outcome] = []
        reasons: list[str] = []

        def drain(task: str) -> None:
            while queues[task] and task not in self._silent:
                try:
                    one = queues[task].popleft()
                except IndexError:
                    return  # another call of this task took the last one
                closing = self._corals[task].close(one.pool, one.thread)
                outcomes.append(closing.outcome)
                if closing.reason:
                    reasons.append(f"{one.thread} of {one.pool} on task {task}: {closing.reason}")
                if closing.outcome in ("unreachable", "out_of_time"):
                    self._silent.add(task)

        _in_parallel([(drain, task) for _ in range(CALLS_PER_TASK) for task in queues])
        return Counter(outcomes), reasons


def _in_parallel(calls: Sequence[tuple[Callable[[str], None], str]]) -> None:
    if calls:
        with ThreadPoolExecutor(min(len(calls), _MAX_CALLS)) as executor:
            for future in [executor.submit(call, task) for call, task in calls]:
                future.result()
