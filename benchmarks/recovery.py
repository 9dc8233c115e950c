"""A model of `make recover`: when the site serves again in the recovery region, and what decides it.

It is computed from the stacks' templates and the table creation_times.csv; nothing was measured in an AWS account. Time
begins when the operator agrees: neither detection nor decision is in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich import box
from rich.table import Table

from benchmarks import creation_times
from benchmarks.comparison import Minutes
from benchmarks.creation_times import HIGH, LOW, MIDDLE, CreationTimes, Step
from benchmarks.recovery_path import Assembly, Span, path, read_assembly, schedule
from config import environment
from procedures.recover.deployments import REST, SITE, WHOLE, Deployment
from procedures.synthesis import synthesize

ENVIRONMENT = "production"
POINTS = (LOW, MIDDLE, HIGH)
_CAPTION = "Sources: benchmarks/creation_times.csv. Nothing was measured in AWS."
MAX_OTHER_MINUTES = 3.0  # a step beside the database's that takes longer is worth cutting


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """Where the recovery region's database comes from.

    Attributes:
        max_minutes: until the site serves, in the middle of all ranges.
        max_lost_minutes: of data.
        is_built: `make recover` does it.
    """

    name: str
    max_minutes: float
    max_lost_minutes: float
    is_built: bool


BACKUPS = Strategy(name="backups", max_minutes=45, max_lost_minutes=30, is_built=True)
REPLICA = Strategy(name="a replica", max_minutes=30, max_lost_minutes=1, is_built=False)


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """A recovery at one point of all ranges, in minutes.

    Attributes:
        steps: those that decide when the site serves under its name, in order.
        spans: the stacks, as they are deployed for the first time.
        serves, is_watched, is_whole: when the site serves, when everything watches it, and when it has all that the
            home region had.
    """

    steps: tuple[Step, ...]
    spans: Mapping[str, Span]
    serves: float
    is_watched: float
    is_whole: float


def assemblies(folder: Path) -> tuple[Assembly, dict[Deployment, Assembly]]:
    """The standby, and what each deployment of a recovery deploys; synthesized into `folder`."""
    home = environment(ENVIRONMENT)
    chosen = {
        name: environment(ENVIRONMENT, region=home.recovery_region, standby=standby, database=database)
        for name, standby, database in (("standby", "true", None), ("single", None, "single"), ("whole", None, None))
    }
    found = {}
    for name, one in chosen.items():
        synthesize(one, folder / name)
        found[name] = read_assembly(folder / name)
    return found["standby"], {one: found["single" if one.database else "whole"] for one in (SITE, REST, WHOLE)}


def recover(standby: Assembly, deployed: Mapping[Deployment, Assembly], times: CreationTimes, point: float) -> Recovery:
    """Follow `make recover`, from a region in standby.

    Raises:
        UnknownTimeError: the table does not have what is created or changed.
    """
    first, last = deployed[SITE], deployed[WHOLE]
    (site,) = (stack for stack in first.templates if stack.endswith(f"-{SITE.layer}"))
    begin = [times.step("make recover: look at both regions"), times.step("cdk deploy: synthesis")]
    now = _sum(begin, point)
    stacks = first.with_dependencies(site)
    spans = schedule(first, standby, times, point, stacks=stacks, begin=now)
    name = times.step("The site's name")
    steps = (*begin, *(step for span in path(spans, site) for step in span.steps), name)
    serves = spans[site].end + name.minutes(point)
    # A person moves the name meanwhile.
    now = spans[site].end + times.step("cdk deploy: synthesis").minutes(point)
    done = Assembly(
        templates={**standby.templates, **{stack: first.templates[stack] for stack in stacks}},
        depends_on=first.depends_on,
    )
    rest = schedule(deployed[REST], done, times, point, stacks=first.templates.keys(), begin=now)
    is_watched = max(span.end for span in rest.values()) + times.step("Pool health").minutes(point)
    now = is_watched + times.step("cdk deploy: synthesis").minutes(point)
    whole = schedule(last, deployed[REST], times, point, stacks=last.templates.keys(), begin=now)
    return Recovery(
        steps=steps,
        spans={**rest, **spans},
        serves=serves,
        is_watched=is_watched,
        is_whole=max(span.end for span in whole.values()),
    )


def _sum(steps: Sequence[Step], point: float) -> float:
    return sum(step.minutes(point) for step in steps)


@dataclass(frozen=True, kw_only=True)
class Model:
    """All recoveries of one strategy, at each of POINTS."""

    strategy: Strategy
    recoveries: Mapping[float, Recovery]
    lost: Step

    def limits(self) -> list[Minutes]:
        """What is compared with a limit."""
        strategy, middle = self.strategy, self.recoveries[MIDDLE]
        others = [step.minutes(MIDDLE) for step in middle.steps if not step.is_of_database]
        serves = [self.recoveries[point].serves for point in POINTS]
        lost = [self.lost.minutes(point) for point in POINTS]
        title = f"recovery from {strategy.name}, {'model' if strategy.is_built else 'not built, model'}: minutes"
        return [
            Minutes.of(f"{title} until the site serves", serves, bound=strategy.max_minutes),
            Minutes.of(f"{title} of data lost", lost, bound=strategy.max_lost_minutes),
            Minutes.of(f"{title} of the longest step of ours", [max(others)] * 3, bound=MAX_OTHER_MINUTES),
        ]

    def tables(self) -> list[Table]:
        """The stacks in time, and the path."""
        return [self._stacks(), self._path()]

    def facts(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "name": f"recovery from {self.strategy.name}",
            "path": [asdict(step) for step in self.recoveries[MIDDLE].steps],
        }

    def _stacks(self) -> Table:
        middle = self.recoveries[MIDDLE]
        title = f"Recovery from {self.strategy.name}: minutes since the operator agreed; low, middle and high"
        table = Table("", title=title, title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("begins", justify="right")
        table.add_column("ends", justify="right")
        for stack in sorted(middle.spans, key=lambda one: middle.spans[one].begin):
            spans = [self.recoveries[point].spans[stack] for point in POINTS]
            table.add_row(stack, _three([one.begin for one in spans]), _three([one.end for one in spans]))
        for what, ends in (
            ("the site serves under its name", [self.recoveries[point].serves for point in POINTS]),
            ("checks and alarms watch it", [self.recoveries[point].is_watched for point in POINTS]),
            ("the database has its second zone and replica", [self.recoveries[point].is_whole for point in POINTS]),
        ):
            table.add_row(what, "", _three(ends), style="bold")
        return table

    def _path(self) -> Table:
        steps = self.recoveries[MIDDLE].steps
        total, database = _sum(steps, MIDDLE), _sum([one for one in steps if one.is_of_database], MIDDLE)
        title = f"What decides when it serves: {database:.0f} of {total:.0f} minutes are the database's"
        table = Table("step", title=title, title_justify="left", box=box.SIMPLE_HEAD, caption=_CAPTION)
        table.add_column("minutes", justify="right")
        table.add_column("basis")
        for step in steps:
            minutes = _three([step.minutes(point) for point in POINTS])
            table.add_row(step.name, minutes, step.basis, style="bold" if step.is_of_database else None)
        return table


def models() -> list[Model]:
    """Both strategies, for the stacks as they are."""
    with TemporaryDirectory() as folder:
        standby, deployed = assemblies(Path(folder))
    found = []
    for strategy in (BACKUPS, REPLICA):
        times = creation_times.read(is_promoted=strategy is REPLICA)
        recoveries = {point: recover(standby, deployed, times, point) for point in POINTS}
        lost = times.step(f"recovery point from {strategy.name}")
        found.append(Model(strategy=strategy, recoveries=recoveries, lost=lost))
    return found


def _three(minutes: Sequence[float]) -> str:
    return " ".join(f"{one:5.1f}" for one in minutes)
