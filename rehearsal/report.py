"""What a rehearsal tells: a line and a time for each step, tables at the end, the same facts as JSON."""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

_NAME_WIDTH = 42
_REGION_WIDTH = 14
_MARKS = {"passed": "[green]✓[/]", "failed": "[red]✗[/]", "interrupted": "[yellow]-[/]"}
_PLAIN_MARKS = {"passed": "ok", "failed": "XX", "interrupted": "--"}


class NotHeldError(Exception):
    """Something that a rehearsal checks did not hold; the message says what came and what was expected."""


@dataclass
class Step:
    """A step of the run; `detail` is what it has to tell."""

    name: str
    result: str = "running"
    seconds: float = 0
    detail: str = ""


@dataclass(frozen=True)
class Check:
    """Something that was proven (or not): what, and what was seen."""

    name: str
    region: str
    result: str
    seen: str


@dataclass(frozen=True)
class Placeholder:
    """A resource that the emulator only recorded."""

    region: str
    stack: str
    type: str
    logical_id: str


@dataclass(frozen=True)
class Alarm:
    """An alarm that was set off, and how long its message took to a subscriber of the topic."""

    name: str
    region: str
    result: str
    seconds: float


@dataclass(frozen=True)
class Resource:
    """A deployed resource."""

    region: str
    stack: str
    type: str


@dataclass
class Report:
    """Collects the facts of a run and prints them as they come."""

    console: Console
    file: Path
    regions: list[str]
    begun: float = field(default_factory=time.monotonic)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    steps: list[Step] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    placeholders: list[Placeholder] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    error: str = ""
    is_passed: bool = False

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.begun

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show a step while it runs, and its line and time when it has ended, well or not."""
        step = Step(name)
        self.steps.append(step)
        begun = time.monotonic()
        try:
            with self._spinner(step):
                yield step
        except BaseException as error:
            step.result = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            raise
        else:
            step.result = "passed"
        finally:
            step.seconds = round(time.monotonic() - begun, 2)
            self._print_step(step)

    def expect(self, is_so: bool, region: str, name: str, seen: str) -> None:
        """Record a check, and stop the run when it did not hold.

        Raises: NotHeldError naming the check and what was seen.
        """
        self.checks.append(Check(name, region, "held" if is_so else "not held", seen))
        if not is_so:
            raise NotHeldError(f"{name}, in {region}: {seen}")

    def pass_(self) -> None:
        """Everything held."""
        self.is_passed = True

    def write(self) -> None:
        """Write the facts as JSON, whole or not at all."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(self.facts(), indent=2) + "\n")
        part.replace(self.file)

    def facts(self) -> dict[str, Any]:
        """The facts of the run, JSON-able."""
        return {
            "result": "passed" if self.is_passed else "failed",
            "error": None if self.is_passed else self.error or "ended unexpectedly",
            "started": self.started_at.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 1),
            "regions": self.regions,
            "steps": [asdict(step) for step in self.steps],
            "resources": dict(sorted(Counter(one.type for one in self.resources).items())),
            "placeholders": [asdict(one) for one in self.placeholders],
            "checks": [asdict(check) for check in self.checks],
            "alarms": [asdict(alarm) for alarm in self.alarms],
        }

    def summarize(self) -> None:
        """Print the tables: resources, placeholders by name, checks; and the time of it all."""
        if self.resources:
            self.console.print(self._resource_table())
        if self.placeholders:
            self.console.print(self._placeholder_table())
        if self.checks:
            self.console.print(self._check_table())
        held = sum(check.result == "held" for check in self.checks)
        self.console.print(
            f"\n[bold green]All {held} checks held[/] in {self.seconds:.0f} s; facts in {self.file}", soft_wrap=True
        )

    @contextmanager
    def _spinner(self, step: Step) -> Iterator[None]:
        if not self.console.is_terminal:
            yield
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            progress.add_task(escape(step.name))
            yield

    def _print_step(self, step: Step) -> None:
        mark = self._mark(step.result)
        name = escape(step.name.ljust(_NAME_WIDTH + (_REGION_WIDTH if len(self.regions) > 1 else 0)))
        self.console.print(
            f"{mark} {name} [cyan]{step.seconds:5.1f} s[/]  [dim]{escape(step.detail)}[/]",
            highlight=False,
            no_wrap=True,
            overflow="ellipsis",
        )

    def _resource_table(self) -> Table:
        stacks: dict[tuple[str, str], Counter[str]] = {}
        for one in self.resources:
            stacks.setdefault((one.region, one.stack), Counter())[one.type] += 1
        recorded = Counter((one.region, one.stack) for one in self.placeholders)
        table = _table("Resources")
        table.expand = True
        for column in ("Stack", "Region"):
            table.add_column(column, no_wrap=True)
        for column in ("Resources", "Placeholders"):
            table.add_column(column, no_wrap=True, justify="right")
        table.add_column("Most", style="dim", no_wrap=True, overflow="ellipsis", ratio=1)
        for (region, stack), types in stacks.items():
            most = ", ".join(f"{count} {type_.rpartition('::')[2]}" for type_, count in types.most_common(4))
            table.add_row(stack, region, str(types.total()), str(recorded[region, stack] or ""), most)
        table.add_row("all", "", str(len(self.resources)), str(len(self.placeholders)), "", style="bold")
        return table

    def _placeholder_table(self) -> Table:
        names: dict[str, dict[str, None]] = {}
        for one in self.placeholders:
            names.setdefault(one.type, {})[f"{one.stack}/{one.logical_id}"] = None
        table = _table("Placeholders: recorded by the emulator, proven by the templates' tests alone", "Type", "Names")
        for type_, ids in sorted(names.items()):
            table.add_row(type_.removeprefix("AWS::"), escape("\n".join(ids)))
        return table

    def _check_table(self) -> Table:
        is_many = len(self.regions) > 1
        table = _table("Checks", "", *(["Region"] if is_many else []), "Check", "Seen")
        for check in self.checks:
            mark = self._mark("passed" if check.result == "held" else "failed")
            region = [check.region] if is_many else []
            table.add_row(mark, *region, escape(check.name), f"[dim]{escape(check.seen)}[/]")
        return table

    def _mark(self, result: str) -> str:
        plain = not self.console.encoding.startswith("utf")
        marks = _PLAIN_MARKS if plain else _MARKS
        return marks.get(result, marks["interrupted"])


def _table(title: str, *columns: str) -> Table:
    table = Table(*columns, title=f"\n{title}", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.header_style = "dim"
    return table
