"""The benchmarks' frame: sides in turn, medians, a bound that decides the exit code, and a JSON report."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import __main__ as program
from benchmarks.comparison import Comparison, Minutes, SideError, Size
from benchmarks.creation_times import UnknownTimeError
from benchmarks.recovery import Model


class Clock:
    """Time that passes only when a side takes some."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log: list[str] = []

    def side(self, name: str, *seconds: float) -> Callable[[], None]:
        """A side that takes `seconds`, one after the other, and logs its name."""
        remaining = iter(seconds)

        def take() -> None:
            self.log.append(name)
            self.now += next(remaining)

        return take


def benchmark(bound: float, rounds: int = 3) -> Callable[[], AbstractContextManager[Comparison]]:
    @contextmanager
    def make() -> Iterator[Comparison]:
        yield Comparison(name="ours / theirs", ours=list, baseline=list, bound=bound, rounds=rounds)

    return make


def console() -> Console:
    return Console(file=StringIO(), width=120)


def test_the_ratio_is_of_medians_after_a_warm_up_with_the_sides_in_turn() -> None:
    clock = Clock()
    comparison = Comparison(
        name="ours / theirs",
        ours=clock.side("A", 100, 2, 9, 4),  # median 4
        baseline=clock.side("B", 100, 1, 2, 50),  # median 2
        bound=2.0,
        rounds=3,
    )
    result = comparison.measure(clock=lambda: clock.now)
    assert clock.log == ["A", "B"] * 4
    assert (result.seconds, result.baseline_seconds, result.ratio) == (4, 2, 2.0)
    assert result.is_within_bound


@pytest.mark.parametrize(("bound", "is_within"), [(1.99, False), (2.0, True), (2.01, True)])
def test_a_ratio_up_to_its_bound_holds(bound: float, is_within: bool) -> None:
    clock = Clock()
    comparison = Comparison(
        name="", ours=clock.side("A", *[4] * 4), baseline=clock.side("B", *[2] * 4), bound=bound, rounds=3
    )
    assert comparison.measure(clock=lambda: clock.now).is_within_bound is is_within


def test_what_prepares_a_side_is_not_timed_and_a_part_of_the_baselines_work_counts_for_all() -> None:
    clock = Clock()
    measured = Comparison(
        name="ours / theirs",
        ours=clock.side("ours", *[2] * 4),
        baseline=clock.side("theirs", *[1] * 4),
        prepare_ours=clock.side("prepare ours", *[50] * 4),
        prepare_baseline=clock.side("prepare theirs", *[50] * 4),
        baseline_times=10,
        bound=0.5,
        rounds=3,
    ).measure(clock=lambda: clock.now)
    assert (measured.seconds, measured.baseline_seconds, measured.ratio) == (2, 10, 0.2)
    assert clock.log == ["prepare ours", "ours", "prepare theirs", "theirs"] * 4


def test_fewer_than_three_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="rounds must be at least 3, got 2"):
        Comparison(name="", ours=list, baseline=list, bound=1, rounds=2)


def test_progress_is_reported_after_each_run() -> None:
    runs: list[None] = []
    comparison = Comparison(name="", ours=list, baseline=list, bound=1, rounds=4)
    comparison.measure(on_run=lambda: runs.append(None))
    assert len(runs) == comparison.runs == 10


def test_the_report_has_name_ratio_and_bound_of_each_measure(tmp_path: Path) -> None:
    report = tmp_path / "build" / "bench.json"
    shown = console()
    assert program.run([benchmark(1e9), benchmark(1e9)], report=report, console=shown)
    facts = json.loads(report.read_text())
    assert [(each["name"], each["bound"], each["is_within_bound"]) for each in facts] == [
        ("ours / theirs", 1e9, True)
    ] * 2
    assert all(each["ratio"] == each["seconds"] / each["baseline_seconds"] for each in facts)
    assert isinstance(shown.file, StringIO)
    assert "holds" in shown.file.getvalue()


def test_one_broken_bound_makes_the_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "REPORT", tmp_path / "bench.json")
    monkeypatch.setattr(program, "BENCHMARKS", [benchmark(0), benchmark(1e9)])
    monkeypatch.setattr(program, "SIZES", [lambda: Size(name="asset", megabytes=2.5, bound=2.5)])
    monkeypatch.setattr(program, "MODELS", list)
    with pytest.raises(SystemExit, match="a bound is broken"):  # a message exits with 1
        program.main()
    facts = json.loads((tmp_path / "bench.json").read_text())
    assert [each["is_within_bound"] for each in facts] == [False, True, True]
    assert facts[2] == {"name": "asset", "megabytes": 2.5, "bound": 2.5, "ratio": 2.5, "is_within_bound": True}


def test_a_size_above_its_bound_is_broken() -> None:
    assert not Size(name="asset", megabytes=2.51, bound=2.5).is_within_bound


@pytest.mark.parametrize(("middle", "is_within"), [(45.0, True), (45.1, False)])
def test_modelled_minutes_are_compared_in_the_middle_of_their_range(middle: float, is_within: bool) -> None:
    assert Minutes.of("recovery", (20, middle, 90), bound=45).is_within_bound is is_within


def test_time_that_the_table_lacks_ends_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> list[Model]:
        raise UnknownTimeError("creation_times.csv has no row 'AWS::New::Type'")

    monkeypatch.setattr(program, "BENCHMARKS", [])
    monkeypatch.setattr(program, "SIZES", [])
    monkeypatch.setattr(program, "MODELS", unknown)
    with pytest.raises(SystemExit, match="has no row 'AWS::New::Type'"):
        program.main()


def test_a_side_that_fails_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise SideError("cdk synth failed: no such stack")

    @contextmanager
    def failing() -> Iterator[Comparison]:
        yield Comparison(name="", ours=fail, baseline=list, bound=1)

    monkeypatch.setattr(program, "REPORT", tmp_path / "bench.json")
    monkeypatch.setattr(program, "BENCHMARKS", [failing])
    monkeypatch.setattr(program, "MODELS", list)
    with pytest.raises(SystemExit, match="no such stack"):
        program.main()
    assert not (tmp_path / "bench.json").exists()
