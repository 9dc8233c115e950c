"""The steps of a long procedure: shown as they begin and end, each with its seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.table import Table

from procedures.terminal import Terminal


@dataclass
class Steps:
    """The steps that are done."""

    console: Terminal
    done: list[tuple[str, float, str]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Show a step's beginning and its end; call what it yields with what was found."""
        self.console.print(f"{name} ...")
        found: list[str] = []
        started = time.monotonic()
        yield found.append
        seconds = time.monotonic() - started
        self.done.append((name, seconds, "; ".join(found)))
        self.console.print(f"{name}: {self.done[-1][2]} ({seconds:.0f} s)", style="green")

    def table(self, title: str) -> Table:
        """Each step with its seconds, and what it found."""
        rows = Table("", "seconds", "", title=title, title_justify="left")
        for name, seconds, found in self.done:
            rows.add_row(name, f"{seconds:.0f}", found)
        rows.add_row("Total", f"{sum(seconds for _, seconds, _ in self.done):.0f}", "")
        return rows


def agreed(question: str) -> bool:
    """Whether the operator answers yes."""
    try:
        answer = input(f"{question} [yes/no] ")
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")
