"""The Coral servers of all running tasks, called in parallel; closing threads on them."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from ops_lambdas.shared.coral import Coral, CoralError, Outcome, Thread
from ops_lambdas.shared.http import HttpClient
from ops_lambdas.shared.tasks import Task

# Concurrent calls to one Coral server, which also serves players.
CALLS_PER_TASK = 8
# Concurrent calls to all of them; at most ten tasks run, and a function may open 1,024 files.
_MAX_CALLS = 80
# A Coral server answers in milliseconds; one that takes longer is stuck, and its threads with it.
_ANSWER_SECONDS = 5.0


class Failure(NamedTuple):
    """A thread that may still be open on a task, and why."""

    task: Task
    thread: Thread
    reason: str


@dataclass(frozen=True)
class Closings:
    """The outcome for the threads that were to be closed.

    Attributes:
        outcomes: for each task by id, of its threads in their order; None: not tried.
        failures: in the order in which they happened.
    """

    outcomes: dict[str, list[Outcome | None]]
    failures: list[Failure] = field(default_factory=list)


@dataclass
class _Server:
    """One task's Coral server. Several calls at a time share it; each of its operations is atomic."""

    task: Task
    coral: Coral
    failures: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    is_given_up: bool = False


class Fleet:
    """The Coral servers of all running tasks.

    A task that cannot be reached, or does not answer in time, is given up: each further call would cost its whole
    timeout.

    Args:
        max_failures: a task is also given up after this many failures of another kind.
    """

    def __init__(self, client: HttpClient, tasks: Iterable[Task], port: int, *, max_failures: float = math.inf) -> None:
        self._servers = {task.id: _Server(task, Coral(client, task.address, port)) for task in tasks}
        self._max_failures = max_failures

    @property
    def given_up(self) -> frozenset[str]:
        """Ids of the tasks that were given up."""
        return frozenset(task for task, server in self._servers.items() if server.is_given_up)

    def give_up(self, task: str) -> None:
        """Stop calling this task."""
        self._servers[task].is_given_up = True

    def call_each(self, call: Callable[[str, Coral], None]) -> None:
        """Call with each task's id and Coral server, all in parallel."""
        _in_parallel(lambda task: call(task, self._servers[task].coral), list(self._servers))

    def lacks_threads_api(self, pools: Sequence[str], *, seconds: float) -> bool:
        """Whether every task answers 404 to the list of each pool, so that its Coral server has no such route.

        Those that answer a list are known to have it from then on.

        Args:
            seconds: after this, calls under way end.
        """
        absent: set[str] = set()

        def look(task: str, coral: Coral) -> None:
            asked = Coral(client, coral.address, coral.port)
            for pool in pools:
                try:
                    asked.threads(pool)
                except CoralError as error:
                    if error.kind == "absent":
                        continue
                coral.has_listed = asked.has_listed
                return
            absent.add(task)

        with HttpClient(seconds=seconds, answer_seconds=_ANSWER_SECONDS) as client:
            self.call_each(look)
        return bool(absent) and absent == self._servers.keys()

    def close_everywhere(self, threads: Sequence[Thread]) -> Closings:
        """Close each thread on every task."""
        return self.close(dict.fromkeys(self._servers, threads))

    def close(self, threads: Mapping[str, Sequence[Thread]]) -> Closings:
        """Close each task's threads, given by task id; nothing is tried twice."""
        closings = Closings({task: [None] * len(of_task) for task, of_task in threads.items()})
        turns = {task: itertools.count() for task in threads}

        def work(task: str) -> None:
            server, of_task, outcomes = self._servers[task], threads[task], closings.outcomes[task]
            while not server.is_given_up and (turn := next(turns[task])) < len(of_task):
                closing = server.coral.close(*of_task[turn])
                outcomes[turn] = closing.outcome
                if closing.outcome in ("closed", "gone"):
                    continue
                closings.failures.append(Failure(server.task, of_task[turn], closing.reason))
                if closing.outcome != "failed" or next(server.failures) >= self._max_failures:
                    server.is_given_up = True

        # Every task is called once before any is called twice: no task waits for another that hangs.
        _in_parallel(work, list(threads) * CALLS_PER_TASK)
        return closings


@contextmanager
def calling(tasks: Iterable[Task], port: int, *, seconds: float, max_failures: float = math.inf) -> Iterator[Fleet]:
    """Yield the Coral servers of these tasks, to be called within the block.

    Args:
        seconds: after this, calls under way end and others are refused.
        max_failures: as in Fleet.
    """
    with HttpClient(seconds=seconds, answer_seconds=_ANSWER_SECONDS, connections=CALLS_PER_TASK) as client:
        yield Fleet(client, tasks, port, max_failures=max_failures)


def _in_parallel(call: Callable[[str], None], tasks: Sequence[str]) -> None:
    if tasks:
        with ThreadPoolExecutor(min(len(tasks), _MAX_CALLS)) as executor:
            for _ in executor.map(call, tasks):
                pass
