"""`python -m benchmarks`: measure all, model a recovery, show it, write build/bench.json; exit 1 for a broken bound."""

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.cold_import import asset_size, cold_import
from benchmarks.comparison import Comparison, Minutes, Result, SideError, Size
from benchmarks.creation_times import UnknownTimeError
from benchmarks.pool_health import pool_health
from benchmarks.recovery import Model, models
from benchmarks.session_cleanup import session_cleanup
from benchmarks.synth import synth
from benchmarks.thread_cleanup import latest_delete, thread_cleanup
from names import CHECKS

REPORT = Path(__file__).parent.parent / "build" / "bench.json"
BENCHMARKS: Sequence[Callable[[], AbstractContextManager[Comparison]]] = (
    synth,
    pool_health,
    session_cleanup,
    thread_cleanup,
    *(partial(cold_import, check) for check in CHECKS),
)
SIZES: Sequence[Callable[[], Result | Size]] = (latest_delete, asset_size)
MODELS: Callable[[], Sequence[Model]] = models


def run(
    benchmarks: Sequence[Callable[[], AbstractContextManager[Comparison]]],
    *,
    sizes: Sequence[Callable[[], Result | Size]] = (),
    modelled: Sequence[Model] = (),
    report: Path,
    console: Console,
) -> bool:
    """Measure each benchmark and size, show and write the results; return whether all are within their bounds."""
    results: list[Result | Size | Minutes] = [_measure(benchmark, console) for benchmark in benchmarks]
    results += [size() for size in sizes]
    results += [limit for model in modelled for limit in model.limits()]
    report.parent.mkdir(parents=True, exist_ok=True)
    facts = [each.facts() for each in (*results, *modelled)]
    report.write_text(json.dumps(facts, indent=2) + "\n")
    for model in modelled:
        for table in model.tables():
            console.print(table)
    console.print(_table(results))
    return all(result.is_within_bound for result in results)


def _measure(benchmark: Callable[[], AbstractContextManager[Comparison]], console: Console) -> Result:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with benchmark() as comparison, Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(comparison.name, total=comparison.runs)
        return comparison.measure(on_run=lambda: progress.advance(task))


def _table(results: Sequence[Result | Size | Minutes]) -> Table:
    table = Table("measure")
    for heading in ("seconds", "baseline", "ratio", "bound", ""):
        table.add_column(heading, justify="right")
    for result in results:
        verdict = "[green]holds[/]" if result.is_within_bound else "[bold red]broken[/]"
        times = (result.seconds, result.baseline_seconds) if isinstance(result, Result) else (None, None)
        numbers = (*times, result.ratio, result.bound)
        table.add_row(result.name, *("" if number is None else f"{number:.2f}" for number in numbers), verdict)
    return table


def main() -> None:
    """Run all; exit 1, with a message, when a bound is broken or a side fails."""
    try:
        is_within_bounds = run(BENCHMARKS, sizes=SIZES, modelled=MODELS(), report=REPORT, console=Console())
    except (SideError, UnknownTimeError) as error:
        sys.exit(f"benchmark: {error}")
    if not is_within_bounds:
        sys.exit("benchmark: a bound is broken")


if __name__ == "__main__":
    main()
