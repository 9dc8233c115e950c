"""What an environment costs a month by list price: `make cost ENV=production`."""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from config import environment
from environment import Environment
from prices.estimate import Estimate, Priced, estimate
from prices.table import UnpricedError, list_prices
from procedures.synthesis import synthesize
from procedures.terminal import Terminal
from validation import ConfigurationError

STANDBY = "standby"
BUILD = Path(__file__).parents[1] / "build"


def templates(folder: Path, prefix: str) -> dict[str, Mapping[str, Any]]:
    """The synthesized templates in a folder, by layer, in order of their names."""
    return {
        path.name.removeprefix(f"{prefix}-").removesuffix(".template.json"): json.loads(path.read_text())
        for path in sorted(folder.glob(f"{prefix}-*.template.json"))
    }


def price(chosen: Environment) -> Estimate:
    """Synthesize and price an environment and its standby, both by the environment's own region.

    Raises:
        UnpricedError: something in its templates has no known price.
    """
    with tempfile.TemporaryDirectory() as folder:
        synthesize(chosen, Path(folder))
        found = templates(Path(folder), chosen.prefix)
        if chosen.copies_backups:
            synthesize(replace(chosen, region=chosen.recovery_region, is_standby=True), Path(folder) / STANDBY)
            there = templates(Path(folder) / STANDBY, chosen.prefix)
            found |= {f"{STANDBY}-{layer}": template for layer, template in there.items()}
        return estimate(found, list_prices(chosen.region))


def as_json(chosen: Environment, priced: Estimate) -> dict[str, Any]:
    """The estimate for other programs; amounts in USD, to the cent except for what a unit costs."""
    tasks = priced.min_tasks
    return {
        "environment": chosen.name,
        "region": chosen.region,
        "min_tasks": chosen.min_tasks,
        "max_tasks": chosen.max_tasks,
        "average_tasks": {"min": round(priced.min_tasks, 4), "max": round(priced.max_tasks, 4)},
        "at_min_tasks_usd": round(priced.usd(tasks), 2),
        "at_max_tasks_usd": round(priced.usd(priced.max_tasks), 2),
        "operations_usd": round(priced.operations_usd, 2),
        "by_service_usd": {service: round(usd, 2) for service, usd in priced.by_service(tasks).items()},
        "lines": [
            {
                "stack": chosen.names.stack(one.line.layer),
                "resource": one.line.resource,
                "type": one.line.type,
                "item": one.line.charge.item,
                "service": one.service,
                "unit": one.unit,
                "usd_a_unit": one.usd_a_unit,
                "quantity_at_min_tasks": round(one.quantity(tasks), 6),
                "quantity_at_max_tasks": round(one.quantity(priced.max_tasks), 6),
                "at_min_tasks_usd": round(one.usd(tasks), 6),
                "at_max_tasks_usd": round(one.usd(priced.max_tasks), 6),
                "is_operations": one.is_operations,
                "assumption": one.line.charge.assumption,
            }
            for one in priced.lines
        ],
    }


def tables(chosen: Environment, priced: Estimate) -> list[Table]:
    """Three tables: what the templates decide, what only use decides, and the bill's services."""
    fixed = [one for one in priced.lines if not one.line.charge.assumption]
    used = [one for one in priced.lines if one.line.charge.assumption]
    return [
        _lines(f"{chosen.name} in {chosen.region}: resources", fixed, chosen, priced),
        _lines("Use, as assumed", used, chosen, priced),
        _services(chosen, priced),
    ]


def _lines(title: str, lines: Sequence[Priced], chosen: Environment, priced: Estimate) -> Table:
    """A row for the resources of one type in one stack that are charged for the same item."""
    table = Table("", title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("quantity", justify="right")
    table.add_column("unit")
    for heading in ("USD a unit", f"at {_tasks(chosen.min_tasks)}", f"at {_tasks(chosen.max_tasks)}"):
        table.add_column(heading, justify="right")
    for layer, of_layer in groupby(lines, lambda one: one.line.layer):
        table.add_row(f"-{layer}", style="bold")
        groups: defaultdict[tuple[str, str, str], list[Priced]] = defaultdict(list)
        for one in of_layer:
            groups[one.line.type, one.line.charge.item, one.line.charge.assumption].append(one)
        for (type_, item, assumption), group in groups.items():
            count = len({one.line.resource for one in group})
            table.add_row(
                f"{count} {type_.rpartition('::')[2]}: {item}{assumption and f', {assumption}'}",
                f"{sum(one.quantity(priced.min_tasks) for one in group):,.1f}",
                group[0].unit,
                f"{group[0].usd_a_unit:.10f}".rstrip("0").rstrip("."),
                *(_usd(sum(one.usd(tasks) for one in group)) for tasks in (priced.min_tasks, priced.max_tasks)),
            )
    return table


def _services(chosen: Environment, priced: Estimate) -> Table:
    title = "By service, as the bill names them, in USD a month"
    table = Table(title=title, title_justify="left", show_footer=True, box=box.SIMPLE_HEAD)
    least, most = priced.by_service(priced.min_tasks), priced.by_service(priced.max_tasks)
    table.add_column("service", "In total")
    for tasks, usd in ((chosen.min_tasks, sum(least.values())), (chosen.max_tasks, sum(most.values()))):
        table.add_column(f"at {_tasks(tasks)}", _usd(usd), justify="right")
    for service, usd in least.items():
        table.add_row(service, _usd(usd), _usd(most[service]))
    return table


def _tasks(number: int) -> str:
    return f"{number} task" if number == 1 else f"{number} tasks"


def _usd(amount: float) -> str:
    return f"{amount:,.2f}"


def explanation(chosen: Environment, priced: Estimate) -> str:
    """What the numbers leave open."""
    rest = "" if chosen.off_hours is None else f" Off-hours: {priced.min_tasks:.2f} tasks on average at the least."
    return (
        f"{_usd(priced.operations_usd)} of it a month is for operations: flow logs, log groups, topic, alarms, "
        f"dashboard, checks.{rest}\n"
        "List prices before tax, credits and discounts. What an account has free every month (10 alarms, 10 custom "
        "metrics, 5 GB of logs, 100 GB of data out) is not deducted: all that is in the account shares it. "
        "Left to use: what the second table assumes; CPU credits; backups beyond the database's size; old versions of "
        "keys. Spot prices change."
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, print tables and write the JSON; 0, or 1 when something has no price."""
    parser = argparse.ArgumentParser(prog="make cost", description=__doc__)
    parser.add_argument("--environment")
    parser.add_argument("--region")
    arguments = parser.parse_args(argv)
    errors = Terminal(stderr=True)
    try:
        chosen = environment(arguments.environment, region=arguments.region)
        with errors.status(f"the templates of {chosen.name} in {chosen.region} ..."):
            priced = price(chosen)
    except (ConfigurationError, UnpricedError) as error:
        errors.print(str(error), style="red")
        return 1
    output = BUILD / f"cost-{chosen.name}.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(as_json(chosen, priced), indent=2) + "\n")
    console = Terminal()
    for table in tables(chosen, priced):
        console.print(table)
    console.print(explanation(chosen, priced))
    console.print(f"Every resource: {output}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
