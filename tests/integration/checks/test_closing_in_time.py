"""No DELETE is sent more than 250 ms after the answer that justified it, by the check's own clock, which jumps."""

import random
from collections.abc import Collection, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lambdas.shared import closing
from ops_lambdas.shared.closing import JUSTIFIED_SECONDS, Closings, close, confirm
from ops_lambdas.shared.fleet import Fleet, Held
from ops_lambdas.shared.tasks import Task
from tests.integration.checks.corals import Corals
from tests.integration.checks.sent import recorded


class Clock:
    """A clock that jumps at each look by up to so many seconds, but not at the look that notes an answer."""

    def __init__(self, seed: int, jump: float) -> None:
        self.now = 0.0
        self.is_answered = False
        self._random, self._jump = random.Random(seed), jump

    def __call__(self) -> float:
        if not self.is_answered:
            self.now += self._random.random() ** 4 * self._jump
        self.is_answered = False
        return self.now


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    jump=st.floats(0, 0.6),
    count=st.integers(0, 120),
    refused=st.sets(st.integers(0, 119), max_size=40),
    at_once=st.integers(1, 50),
)
def test_whatever_the_clock_does_what_is_sent_is_fresh_and_nothing_is_lost(
    seed: int, jump: float, count: int, refused: set[int], at_once: int
) -> None:
    clock, answered, sent = Clock(seed, jump), {}, []
    with Corals(1) as corals, pytest.MonkeyPatch.context() as patch:
        patch.setattr(closing, "CALLS_PER_TASK", 1)  # so that nobody moves the clock between a look and a send
        patch.setattr(closing, "_ASKED_AT_ONCE", at_once)
        (task,) = corals.tasks
        threads = [str(number) for number in range(count)]
        task.open("p", *threads)
        task.on_request = lambda method, target: sent.append((method, target, clock.now))

        def ask(asked: Sequence[str]) -> Collection[str]:
            answered.update(dict.fromkeys(asked, clock.now))
            clock.is_answered = True
            return [one for one in asked if int(one) not in refused]

        fleet = Fleet([Task(task.id, task.address)], corals.port)
        assert len(fleet.list_everywhere(["p"], seconds=5).held) == count
        closings, held = Closings(), [Held(task.id, "p", one) for one in threads]
        close(fleet, held, ask, closings, seconds=20, clock=clock)
        deletes = [(target.rpartition("/")[2], at) for method, target, at in sent if method == "DELETE"]
        for thread, at in deletes:
            assert at - answered[thread] <= JUSTIFIED_SECONDS
            assert int(thread) not in refused
        assert len(deletes) == len({thread for thread, _ in deletes}), "nothing is tried twice"
        confirm(fleet, closings, seconds=5)
        assert task.pools["p"] == {one.thread for one in held if closings.outcomes.get(one) != "closed"}
        if not fleet.servers[task.id].is_given_up:
            assert closings.counts.total() == count, "each has an outcome"
            assert closings.counts["spared"] == len([one for one in refused if one < count])


def test_an_answer_that_fails_ends_all_workers_and_what_was_done_is_known() -> None:
    with Corals(3) as corals:
        for one in corals.tasks:
            one.open("p", *(f"{one.id}-{number}" for number in range(500)))
        fleet = Fleet([Task(one.id, one.address) for one in corals.tasks], corals.port)
        held = fleet.list_everywhere(["p"], seconds=5).held
        asked: list[int] = []

        def ask(threads: Sequence[str]) -> Collection[str]:
            asked.append(len(threads))
            if len(asked) > 5:
                raise KeyError(threads[0])
            return threads

        closings = Closings()
        with pytest.raises(KeyError):
            close(fleet, held, ask, closings, seconds=20)
        gone = set(held) - {Held(*one) for one in corals.held()}
        assert {one for one, outcome in closings.outcomes.items() if outcome == "closed"} == gone
        assert 0 < len(gone) < 1500


def test_a_task_whose_connections_are_never_ready_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = recorded(monkeypatch)

    class Slow(Clock):
        """Late whenever a request is about to be sent."""

        def __call__(self) -> float:
            self.now += 0.12
            return self.now

    with Corals(1) as corals:
        (task,) = corals.tasks
        task.open("p", *map(str, range(20)))
        fleet = Fleet([Task(task.id, task.address)], corals.port)
        closings = Closings()
        held = fleet.list_everywhere(["p"], seconds=5).held
        close(fleet, held, lambda threads: threads, closings, seconds=20, clock=Slow(0, 0))
        assert (fleet.servers[task.id].is_given_up, len(task.pools["p"])) == (True, 20)
        assert "not ready in time" in closings.reasons[0][1]
    assert sent.deletes == []
