"""`python -m benchmarks`: measure everything, show a table, write build/bench.json; exit 1 when a bound is broken."""

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
from benchmarks.comparison import Comparison, Result, SideError, Size
from benchmarks.pool_health import pool_health
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


def run(
    benchmarks: Sequence[Callable[[], AbstractContextManager[Comparison]]],
    *,
    sizes: Sequence[Callable[[], Result | Size]] = (),
    report: Path,
    console: Console,
) -> bool:
    """Measure each benchmark and size, show and write the results; return whether all are within their bounds."""
    results: list[Result | Size] = [_measure(benchmark, console) for benchmark in benchmarks]
    results += [size() for size in sizes]
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps([result.facts() for result in results], indent=2) + "\n")
    console.print(_table(results))
    return all(result.is_within_bound for result in results)


def _measure(benchmark: Callable[[], AbstractContextManager[Comparison]], console: Console) -> Result:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with benchmark() as comparison, Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(comparison.name, total=comparison.runs)
        return comparison.measure(on_run=lambda: progress.advance(task))


def _table(results: Sequence[Result | Size]) -> Table:
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
        is_within_bounds = run(BENCHMARKS, sizes=SIZES, report=REPORT, console=Console())
    except SideError as error:
        sys.exit(f"benchmark: {error}")
    if not is_within_bounds:
        sys.exit("benchmark: a bound is broken")


if __name__ == "__main__":
    main()
