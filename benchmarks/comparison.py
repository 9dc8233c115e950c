"""Two sides of a benchmark, timed in turn in one run, and whether their ratio is within its bound."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

MIN_ROUNDS = 3


class SideError(Exception):
    """A side failed to do the work to be timed; the message has what it printed."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was measured.

    Attributes:
        seconds, baseline_seconds: medians over the rounds.
        bound: `ratio` is at most this.
    """

    name: str
    seconds: float
    baseline_seconds: float
    bound: float
    rounds: int

    @property
    def ratio(self) -> float:
        """Our time as a multiple of the baseline's."""
        return self.seconds / self.baseline_seconds

    @property
    def is_within_bound(self) -> bool:
        """Whether the ratio is at most its bound."""
        return self.ratio <= self.bound

    def facts(self) -> dict[str, Any]:
        """For a JSON file: name, ratio and bound, and what they come from."""
        return asdict(self) | {"ratio": self.ratio, "is_within_bound": self.is_within_bound}


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large something is, without a baseline.

    Attributes:
        bound: `megabytes` are at most this.
    """

    name: str
    megabytes: float
    bound: float

    @property
    def ratio(self) -> float:
        """Relative to one megabyte."""
        return self.megabytes

    @property
    def is_within_bound(self) -> bool:
        """Whether the size is at most its bound."""
        return self.megabytes <= self.bound

    def facts(self) -> dict[str, Any]:
        """For a JSON file."""
        return asdict(self) | {"ratio": self.ratio, "is_within_bound": self.is_within_bound}


@dataclass(frozen=True, kw_only=True)
class Minutes:
    """How long something takes by a model, as a range.

    Attributes:
        bound: `middle` is at most this.
    """

    name: str
    low: float
    middle: float
    high: float
    bound: float

    @classmethod
    def of(cls, name: str, minutes: Sequence[float], *, bound: float) -> "Minutes":
        """From low, middle and high."""
        low, middle, high = minutes
        return cls(name=name, low=low, middle=middle, high=high, bound=bound)

    @property
    def ratio(self) -> float:
        """Relative to one minute."""
        return self.middle

    @property
    def is_within_bound(self) -> bool:
        """Whether the middle is at most its bound."""
        return self.middle <= self.bound

    def facts(self) -> dict[str, Any]:
        """For a JSON file."""
        return asdict(self) | {"ratio": self.ratio, "is_within_bound": self.is_within_bound}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Something of ours and its baseline.

    Args:
        name: what the ratio compares, for a reader.
        ours, baseline: run one side once; raise SideError when it fails.
        bound: the maximum ratio of our time to the baseline's; below 1 when ours has to be faster.
        rounds: how often each side is timed, at least 3.
        prepare_ours, prepare_baseline: run before each run of the side, and not timed.
        baseline_times: the baseline does one part in this many of the work, so its time is multiplied by it.
        clock: seconds since any start; wall-clock time, unless other processes would disturb it too much.
    """

    name: str
    ours: Callable[[], object]
    baseline: Callable[[], object]
    bound: float
    rounds: int = 5
    prepare_ours: Callable[[], object] = lambda: None
    prepare_baseline: Callable[[], object] = lambda: None
    baseline_times: int = 1
    clock: Callable[[], float] = time.perf_counter

    def __post_init__(self) -> None:
        if self.rounds < MIN_ROUNDS:
            raise ValueError(f"rounds must be at least {MIN_ROUNDS}, got {self.rounds}")

    def measure(
        self, *, clock: Callable[[], float] | None = None, on_run: Callable[[], object] = lambda: None
    ) -> Result:
        """Run each side once to warm up, then both in turn, so that a busy moment affects both.

        Args:
            clock: instead of its own.
            on_run: called after each run of a side, for a progress bar; not timed.
        """
        clock = clock or self.clock
        seconds: list[float] = []
        baseline_seconds: list[float] = []
        sides = (
            (self.prepare_ours, self.ours, seconds),
            (self.prepare_baseline, self.baseline, baseline_seconds),
        )
        for number in range(self.rounds + 1):
            for prepare, side, times in sides:
                prepare()
                start = clock()
                side()
                if number > 0:
                    times.append(clock() - start)
                on_run()
        return Result(
            name=self.name,
            seconds=median(seconds),
            baseline_seconds=median(baseline_seconds) * self.baseline_times,
            bound=self.bound,
            rounds=self.rounds,
        )

    @property
    def runs(self) -> int:
        """How often `measure` calls `on_run`."""
        return 2 * (self.rounds + 1)
