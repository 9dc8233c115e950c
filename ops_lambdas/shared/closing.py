"""Closing threads of Coral, each while the answer of the database that justifies it is fresh."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from ops_lambdas.shared import coral
from ops_lambdas.shared.fleet import ANSWER_SECONDS, CALLS_PER_TASK, Fleet, Held, in_parallel
from ops_lambdas.shared.http import HttpClient

# No thread is closed later than this after the database said that it may be: a user who comes back opens the session
# again, and goes on in the same threads.
JUSTIFIED_SECONDS = 0.25
# Begun and sent within less, as another thread's turn may come between the last look at the clock and the sending.
_BEGUN_WITHIN_SECONDS = 0.15
_SENT_WITHIN_SECONDS = 0.2
# A task that answers in 20 milliseconds closes some sixty in that time.
_ASKED_AT_ONCE = 100
# A task whose connection is not ready in time, so often in a row, is given up; and one that fails so often in a row.
_MAX_LATE = 3
_MAX_FAILURES = 50
# For listing again, to see whether what a task said is so.
_CONFIRMING_SECONDS = 10.0

Outcome = Literal["closed", "gone", "failed", "spared"]
# Of these ids of threads, those that may be closed now, by the database.
Ask = Callable[[Sequence[str]], Collection[str]]
Clock = Callable[[], float]


@dataclass
class Closings:
    """The outcome for the threads that were to be closed, as far as it is known.

    Attributes:
        outcomes: "closed" now; "gone": closed before; "failed": may still be open; "spared": may not be closed any
            more. What is missing was not tried.
        reasons: of the failures, in the order in which they happened.
        still_listed: how many failed because the task said that they are closed, and went on listing them.
    """

    outcomes: dict[Held, Outcome] = field(default_factory=dict)
    reasons: list[tuple[Held, str]] = field(default_factory=list)
    still_listed: int = 0

    @property
    def counts(self) -> Counter[Outcome]:
        """How many threads had each outcome."""
        return Counter(self.outcomes.values())

    def fail(self, one: Held, reason: str) -> None:
        """Note that a thread may still be open."""
        self.outcomes[one] = "failed"
        self.reasons.append((one, reason))


class _Queue:
    """One task's threads. Its workers take them in turn, each while the database's answer is fresh."""

    def __init__(self, ask: Ask, closings: Closings, clock: Clock) -> None:
        self._ask = ask
        self._closings = closings
        self._clock = clock
        self._lock = threading.Lock()
        self._answered_at = 0.0
        self._justified: deque[Held] = deque()
        self.waiting: deque[Held] = deque()

    def next(self) -> tuple[Held, float] | None:
        """Return a thread that may be closed, and when the database said so; None when there is no other."""
        with self._lock:
            while True:
                if self._justified and self._clock() - self._answered_at < _BEGUN_WITHIN_SECONDS:
                    return self._justified.popleft(), self._answered_at
                self.waiting.extendleft(reversed(self._justified))
                self._justified.clear()
                if not self.waiting:
                    return None
                self._justify([self.waiting.popleft() for _ in range(min(len(self.waiting), _ASKED_AT_ONCE))])

    def give_back(self, one: Held) -> None:
        """Have it asked about and taken once more."""
        with self._lock:
            self.waiting.append(one)

    def _justify(self, chunk: Sequence[Held]) -> None:
        allowed = self._ask([one.thread for one in chunk])
        self._answered_at = self._clock()
        for one in chunk:
            if one.thread in allowed:
                self._justified.append(one)
            else:
                self._closings.outcomes[one] = "spared"


def close(
    fleet: Fleet,
    threads: Iterable[Held],
    ask: Ask,
    closings: Closings,
    *,
    seconds: float,
    clock: Clock = time.monotonic,
) -> None:
    """Close these threads, each right after the database said that it may be; none is tried twice.

    A task that cannot be reached, or does not answer in time, is given up.

    Args:
        ask: called by several workers at once; what it raises ends all of them.
        closings: filled as far as it goes, also on an error.
        seconds: after this, calls under way end, and nothing is asked or sent.
        clock: against which an answer is fresh; seconds.
    """
    queues: dict[str, _Queue] = {}
    for one in threads:
        queues.setdefault(one.task, _Queue(ask, closings, clock)).waiting.append(one)
    with HttpClient(seconds=seconds, answer_seconds=min(ANSWER_SECONDS, seconds), connections=CALLS_PER_TASK) as client:
        closing = _Closing(fleet, client, queues, closings, clock, time.monotonic() + seconds)
        # Every task is called once before any is called twice: no task waits for another that hangs.
        in_parallel(closing.work, list(queues) * CALLS_PER_TASK)


def confirm(fleet: Fleet, closings: Closings, *, seconds: float) -> None:
    """List again where threads were closed: what is still listed is not closed, whatever the task said."""
    said = {one for one, outcome in closings.outcomes.items() if outcome in ("closed", "gone")}
    pools: dict[str, dict[str, None]] = {}
    for one in sorted(said):
        if not fleet.servers[one.task].is_given_up:
            pools.setdefault(one.task, {})[one.pool] = None
    if not pools or seconds <= 0:
        return
    again = {task: list(names) for task, names in pools.items()}
    listing = fleet.list(again, seconds=min(seconds, _CONFIRMING_SECONDS))
    for one in listing.held:
        if one in said:
            closings.fail(one, f"the task answered that it is {closings.outcomes[one]}, and still lists it")
            closings.still_listed += 1


@dataclass
class _Closing:
    """The workers of all tasks."""

    fleet: Fleet
    client: HttpClient
    queues: dict[str, _Queue]
    closings: Closings
    clock: Clock
    ends_at: float
    failures: Counter[str] = field(default_factory=Counter)
    is_stopped: bool = False

    def work(self, task: str) -> None:
        """Close threads of a task, one after another, until there is none or the time is up."""
        try:
            self._work(task)
        except BaseException:
            self.is_stopped = True
            raise

    def _work(self, task: str) -> None:
        server, of_task, one_coral = self.fleet.servers[task], self.queues[task], self.fleet.coral(self.client, task)
        late = 0
        while not (server.is_given_up or self.is_stopped or time.monotonic() >= self.ends_at):
            if (turn := of_task.next()) is None:
                return
            one, answered_at = turn
            closing = one_coral.close(one.pool, one.thread, may_send=partial(self._is_fresh, answered_at))
            late = late + 1 if closing.outcome == "late" else 0
            if 0 < late < _MAX_LATE:
                of_task.give_back(one)
            elif not self._note(one, closing):
                server.is_given_up = True

    def _is_fresh(self, answered_at: float) -> bool:
        return self.clock() - answered_at < _SENT_WITHIN_SECONDS

    def _note(self, one: Held, closing: coral.Closing) -> bool:
        """Note an outcome, and return whether the task is to be called again."""
        if closing.outcome == "closed" or closing.outcome == "gone":
            self.closings.outcomes[one] = closing.outcome
            self.failures[one.task] = 0
            return True
        self.closings.fail(one, closing.reason)
        self.failures[one.task] += 1
        return closing.outcome == "failed" and self.failures[one.task] < _MAX_FAILURES
