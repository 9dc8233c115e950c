"""The facts of a rehearsal: a line and a time for each step as they come, and all of them as JSON."""

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
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from procedures.terminal import escape

_NAME_WIDTH = 42
_REGION_WIDTH = 14
_MARKS = {"passed": "[green]✓[/]", "failed": "[red]✗[/]", "interrupted": "[yellow]-[/]"}
_PLAIN_MARKS = {"passed": "ok", "failed": "XX", "interrupted": "--"}


class NotHeldError(Exception):
    """A check of the rehearsal failed; the message names it and what was seen."""


@dataclass
class Step:
    """A step of the run; `detail` is shown beside it."""

    name: str
    result: str = "running"
    seconds: float = 0
    detail: str = ""


@dataclass(frozen=True)
class Check:
    """Something that was checked: its name, whether it passed, and what was seen."""

    name: str
    region: str
    result: str
    seen: str


@dataclass(frozen=True)
class CheckRun:
    """A run of a scheduled check: on which of its schedules, what it did, and the result that it logged."""

    check: str
    region: str
    schedule: str
    did: str
    seconds: float
    result: dict[str, Any]


@dataclass(frozen=True)
class Placeholder:
    """A resource that the emulator only recorded."""

    region: str
    stack: str
    type: str
    logical_id: str


@dataclass(frozen=True)
class Delivery:
    """An alarm that was set off, or an event that was put, and its email to the topic's subscribers.

    Attributes:
        kind: "alarm" or "event".
        what: what is wrong, as in the email.
        ms: from the change of state, or the event, to the email.
        next: the next steps that the email names.
    """

    name: str
    kind: str
    severity: str
    region: str
    result: str
    ms: float
    what: str
    next: tuple[str, ...] = ()


@dataclass(frozen=True)
class Price:
    """What is deployed in a region costs a month by list price."""

    region: str
    at_min_tasks_usd: float
    at_max_tasks_usd: float
    operations_usd: float
    by_service_usd: dict[str, float]


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
    runs: list[CheckRun] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    placeholders: list[Placeholder] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    prices: list[Price] = field(default_factory=list)
    error: str = ""
    is_passed: bool = False

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.begun

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show a step while it runs, and its line and time when it has ended, passed or failed."""
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
        """Record a check, and stop the run when it failed.

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
            "runs": [asdict(one) for one in self.runs],
            "deliveries": [asdict(one) for one in self.deliveries],
            "prices": [asdict(one) for one in self.prices],
        }

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
        mark = self.mark(step.result)
        name = escape(step.name.ljust(_NAME_WIDTH + (_REGION_WIDTH if len(self.regions) > 1 else 0)))
        self.console.print(
            f"{mark} {name} [cyan]{step.seconds:5.1f} s[/]  [dim]{escape(step.detail)}[/]",
            highlight=False,
            no_wrap=True,
            overflow="ellipsis",
        )

    def mark(self, result: str) -> str:
        """Mark what passed and what did not, in colour."""
        plain = not self.console.encoding.startswith("utf")
        marks = _PLAIN_MARKS if plain else _MARKS
        return marks.get(result, marks["interrupted"])
