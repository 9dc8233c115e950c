"""The Coral servers of all running tasks, called in parallel: which threads they hold."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from ops_lambdas.shared.coral import Coral, CoralError, is_usable_id
from ops_lambdas.shared.http import HttpClient
from ops_lambdas.shared.tasks import Task

# Concurrent calls to one Coral server, which also serves players.
CALLS_PER_TASK = 8
# Concurrent calls to all of them; at most ten tasks run, and a function may open 1,024 files.
MAX_CALLS = 80
# A Coral server answers in milliseconds; one that takes longer is stuck, and its threads with it.
ANSWER_SECONDS = 5.0
# Pools of the table that are listed beside the configured ones. The application writes their names: hundreds would be
# a fault there.
MAX_OTHER_POOLS = 100


class Held(NamedTuple):
    """A thread that a task's Coral server holds."""

    task: str
    pool: str
    thread: str


@dataclass(frozen=True)
class Listing:
    """The threads that the tasks hold. Tasks are given by their ids, sorted.

    Attributes:
        listing: tasks that listed at least one pool.
        unreachable: those that could not be reached, or did not answer in time; they are not called again.
        unlisted: those that answered, but no list.
        without_pools: those that answered 404 to every list: without the threads API, or of a Coral server that has
            forgotten its pools.
        pools_unlisted: pools that no task listed although one tried, nor knew that it has none.
        failing: tasks of which something is not known: unreachable, unlisted, without pools, or one list failed.
        failed: what could not be listed, and why.
    """

    held: tuple[Held, ...] = ()
    listing: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    without_pools: tuple[str, ...] = ()
    pools_unlisted: tuple[str, ...] = ()
    failing: frozenset[str] = frozenset()
    failed: tuple[str, ...] = ()

    @property
    def lacks_threads_api(self) -> bool:
        """Whether every task answered 404 to every list."""
        return bool(self.without_pools) and not (self.listing or self.unreachable or self.unlisted)

    @property
    def is_complete(self) -> bool:
        """Whether every task listed each pool, or has none of that name beside others."""
        return not self.failing


@dataclass
class Server:
    """One task's Coral server. Several calls at a time share it; each of its operations is atomic.

    Attributes:
        has_listed: as Coral's.
        is_given_up: it is not called any more: each further call would cost its whole timeout.
    """

    task: Task
    has_listed: bool = False
    is_given_up: bool = False


@dataclass
class _Answers:
    """What one task answered to its lists."""

    held: list[Held] = field(default_factory=list)
    pools: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)


class Fleet:
    """The Coral servers of all running tasks, by the tasks' ids."""

    def __init__(self, tasks: Iterable[Task], port: int) -> None:
        self.servers = {task.id: Server(task) for task in tasks}
        self._port = port

    def coral(self, client: HttpClient, task: str) -> Coral:
        """Return a task's Coral server, to be called with this client."""
        server = self.servers[task]
        return Coral(client, server.task.address, self._port, server.has_listed)

    def list_everywhere(self, pools: Sequence[str], *, seconds: float) -> Listing:
        """List these pools on every task."""
        return self.list(dict.fromkeys(self.servers, pools), seconds=seconds)

    def list(self, pools: Mapping[str, Sequence[str]], *, seconds: float) -> Listing:
        """List each task's pools, all tasks in parallel; one that does not answer in time is given up.

        Args:
            seconds: after this, calls under way end, and their tasks are given up.
        """
        answers = {task: _Answers() for task in pools}
        with HttpClient(seconds=seconds, answer_seconds=min(ANSWER_SECONDS, seconds)) as client:
            in_parallel(lambda task: self._look(client, task, pools[task], answers[task]), list(pools))
        return self._listing(answers)

    def _look(self, client: HttpClient, task: str, pools: Iterable[str], answers: _Answers) -> None:
        server, coral = self.servers[task], self.coral(client, task)
        for pool in pools:
            if server.is_given_up:
                return
            try:
                threads = coral.threads(pool)
            except CoralError as error:
                if error.kind == "absent":
                    answers.absent.add(pool)
                    continue
                answers.failed[pool] = str(error)
                server.is_given_up = error.kind in ("unreachable", "out_of_time")
            else:
                answers.pools.add(pool)
                answers.held += [Held(task, pool, thread) for thread in threads]
        server.has_listed = server.has_listed or coral.has_listed

    def _listing(self, answers: Mapping[str, _Answers]) -> Listing:
        listing = {task for task, of_task in answers.items() if of_task.pools}
        unreachable = {task for task in answers if self.servers[task].is_given_up}
        silent = answers.keys() - listing - unreachable
        unlisted = {task for task in silent if answers[task].failed}
        without_pools = {task for task in silent - unlisted if answers[task].absent}
        failing = unreachable | without_pools | {task for task, of_task in answers.items() if of_task.failed}
        known = {pool for task in listing for pool in answers[task].pools | answers[task].absent}
        tried = {pool for of_task in answers.values() for pool in of_task.failed}
        return Listing(
            held=tuple(one for of_task in answers.values() for one in of_task.held),
            listing=tuple(sorted(listing)),
            unreachable=tuple(sorted(unreachable)),
            unlisted=tuple(sorted(unlisted)),
            without_pools=tuple(sorted(without_pools)),
            pools_unlisted=tuple(sorted(tried - known)),
            failing=frozenset(failing),
            failed=tuple(sorted(reason for of_task in answers.values() for reason in of_task.failed.values())),
        )


def pools_to_list(configured: Iterable[str], of_sessions: Iterable[str]) -> list[str]:
    """Return the configured pools, and at most MAX_OTHER_POOLS of the others that have a usable name."""
    pools = dict.fromkeys(configured)
    others = [pool for pool in dict.fromkeys(of_sessions) if pool not in pools and is_usable_id(pool)]
    return [*pools, *others[:MAX_OTHER_POOLS]]


def in_parallel(call: Callable[[str], None], tasks: Sequence[str]) -> None:
    """Call with each, in at most MAX_CALLS threads, and raise the first error when all have ended."""
    if tasks:
        with ThreadPoolExecutor(min(len(tasks), MAX_CALLS)) as executor:
            for _ in executor.map(call, tasks):
                pass
