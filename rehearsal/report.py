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

_NAME_WIDTH = 46


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
            "error": self.error or None,
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
        """Print the tables: resources, placeholders by name, checks."""
        if self.resources:
            self.console.print(self._resource_table())
        if self.placeholders:
            self.console.print(self._placeholder_table())
        if self.checks:
            self.console.print(self._check_table())

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
        mark = {"passed": "[green]✓[/]", "failed": "[red]✗[/]"}.get(step.result, "[yellow]-[/]")
        if not self.console.encoding.startswith("utf"):
            mark = {"passed": "ok", "failed": "XX"}.get(step.result, "--")
        name = escape(step.name.ljust(_NAME_WIDTH))
        self.console.print(
            f"{mark} {name} [cyan]{step.seconds:6.1f} s[/]  [dim]{escape(step.detail)}[/]".rstrip(),
            highlight=False,
            soft_wrap=True,
        )

    def _resource_table(self) -> Table:
        table = Table(title="Resources", title_justify="left", title_style="bold", box=None, pad_edge=False)
        for column in ("Region", "Stack"):
            table.add_column(column)
        for column in ("Resources", "of them placeholders"):
            table.add_column(column, justify="right")
        table.add_column("Mostly", style="dim")
        stacks = dict.fromkeys((one.region, one.stack) for one in self.resources)
        for region, stack in stacks:
            types = Counter(one.type for one in self.resources if (one.region, one.stack) == (region, stack))
            recorded = sum((one.region, one.stack) == (region, stack) for one in self.placeholders)
            mostly = ", ".join(f"{n} {type_.removeprefix('AWS::')}" for type_, n in types.most_common(3))
            table.add_row(region, stack, str(types.total()), str(recorded or ""), mostly)
        table.add_section()
        table.add_row("", "all", str(len(self.resources)), str(len(self.placeholders)), style="bold")
        return table

    def _placeholder_table(self) -> Table:
        table = Table(
            title="Placeholders: recorded by the emulator, shown by the templates' tests",
            title_justify="left",
            title_style="bold",
            box=None,
            pad_edge=False,
        )
        for column in ("Type", "Names"):
            table.add_column(column)
        names: dict[str, list[str]] = {}
        for one in self.placeholders:
            names.setdefault(one.type, []).append(one.logical_id)
        for type_, ids in sorted(names.items()):
            table.add_row(type_, escape(", ".join(dict.fromkeys(ids))))
        return table

    def _check_table(self) -> Table:
        table = Table(title="Checks", title_justify="left", title_style="bold", box=None, pad_edge=False)
        for column in ("", "Check", "Seen"):
            table.add_column(column)
        is_many = len(self.regions) > 1
        for check in self.checks:
            mark = "[green]✓[/]" if check.result == "held" else "[red]✗[/]"
            name = f"{check.name} ({check.region})" if is_many else check.name
            table.add_row(mark, escape(name), f"[dim]{escape(check.seen)}[/]")
        return table
