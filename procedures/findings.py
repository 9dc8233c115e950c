"""Findings of the commands that compare AWS with what is expected, and how they are found and shown."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import groupby
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from environment import Environment
from procedures.terminal import Terminal

PARALLEL_PROBES = 8
_FILE_WIDTH = 160
FOLDED = 8  # so many findings of one area that hold are shown as one
CLIENT = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4})
# IAM is asked hundreds of times at once, and answers few times a second: adaptive retries slow down.
_PATIENT = CLIENT.merge(Config(retries={"mode": "adaptive", "total_max_attempts": 10}))


class State(StrEnum):
    """What was found of an expectation; only `FAILS` ends the command with exit code 1."""

    HOLDS = "holds"
    NOT_YET = "not yet"
    FAILS = "fails"


STYLES = {State.HOLDS: "green", State.NOT_YET: "yellow", State.FAILS: "bold red"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One expectation, and whether it holds.

    Attributes:
        area: what it belongs to, e.g. "quotas"; the table's first column.
        subject: what was looked at, e.g. "Fargate On-Demand vCPU".
        found: what is there, and what is expected, e.g. "6 vCPU, 40 are needed".
        mend: the command or the step that mends it; empty when it holds.
    """

    area: str
    subject: str
    state: State
    found: str
    mend: str = ""


class Aws:
    """Clients of the services that probes read, in the environment's region."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.client = cache(self._client)

    @property
    def options(self) -> str:
        """Of make, to choose this environment and region."""
        environment = self.environment
        other = "" if environment.region == environment.home_region else f" REGION={environment.region}"
        return f"ENV={environment.name}{other}"

    def cli(self, arguments: str) -> str:
        """A command of the AWS CLI in the environment's region."""
        return f"aws {arguments} --region {self.environment.region}"

    def _client(self, service: str, region: str | None = None) -> Any:
        config = _PATIENT if service == "iam" else CLIENT
        return boto3.client(service, region_name=region or self.environment.region, config=config)


A = TypeVar("A", bound=Aws)
Probe = Callable[[A], Iterable[Finding]]


def find(probes: Sequence[Probe[A]], aws: A, console: Console) -> list[Finding]:
    """Run the probes in parallel, with a progress bar on a terminal, and return their findings in the probes' order.

    A probe that AWS does not answer, or not as expected, is a finding that fails: its name, and the error.
    """
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Asking AWS ...", total=len(probes))

        def run(probe: Probe[A]) -> list[Finding]:
            try:
                return list(probe(aws))
            except (BotoCoreError, ClientError) as error:
                return [_unanswered(probe, f"AWS did not answer: {error}")]
            except (LookupError, TypeError, ValueError) as error:  # one surprise does not hide the other findings
                return [_unanswered(probe, f"AWS answered otherwise than expected: {error!r}")]
            finally:
                progress.advance(bar)

        with ThreadPoolExecutor(PARALLEL_PROBES) as pool:
            return [finding for found in pool.map(run, probes) for finding in found]


def console() -> Console:
    """For the table: as wide as the terminal, or wide enough for ARNs in a file or pipe."""
    shown = Terminal()
    return shown if shown.is_terminal else Terminal(width=_FILE_WIDTH)


def table(findings: Iterable[Finding], title: str) -> Table:
    """The findings, one row each, with the mend under what was found; many of one area that hold are one row."""
    rows = Table("", "", "", title=title, title_justify="left")
    rows.add_column("found", overflow="fold")
    for finding in _folded(list(findings)):
        found = f"{finding.found}\n{finding.mend}" if finding.mend else finding.found
        state = Text(finding.state, style=STYLES[finding.state])
        rows.add_row(finding.area, finding.subject, state, found)
    return rows


def _folded(findings: Sequence[Finding]) -> Iterable[Finding]:
    """The findings, with those that hold folded into one where an area has more than a screen needs."""
    for area, some in groupby(findings, key=lambda finding: finding.area):
        of_area = list(some)
        holding = [one for one in of_area if one.state is State.HOLDS]
        if len(holding) < FOLDED:
            yield from of_area
            continue
        names = ", ".join(one.subject for one in holding)
        yield Finding(area=area, subject=f"{len(holding)} of {len(of_area)}", state=State.HOLDS, found=names)
        yield from (one for one in of_area if one.state is not State.HOLDS)


def exit_code(findings: Iterable[Finding]) -> int:
    """1 when an expectation fails, otherwise 0."""
    return int(any(finding.state is State.FAILS for finding in findings))


def _unanswered(probe: Probe[A], found: str) -> Finding:
    area = getattr(probe, "__module__", "").rpartition(".")[2].replace("_", " ")
    subject = getattr(probe, "__name__", str(probe)).replace("_", " ")
    mend = "Give the role of your shell permission for this call, or try again"
    return Finding(area=area, subject=subject, state=State.FAILS, found=found, mend=mend)
