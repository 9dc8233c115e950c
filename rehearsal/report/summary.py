"""The tables at the end of a rehearsal."""

from collections import Counter

from rich.table import Table

from procedures.terminal import escape
from rehearsal.report.facts import Report


def print_all(report: Report) -> None:
    """Print the tables: resources, placeholders by name, runs, emails, checks; and the total time."""
    for table, is_needed in (
        (resources(report), report.resources),
        (prices(report), report.prices),
        (placeholders(report), report.placeholders),
        (runs(report), report.runs),
        (deliveries(report), report.deliveries),
        (checks(report), report.checks),
    ):
        if is_needed:
            report.console.print(table)
    held = sum(check.result == "held" for check in report.checks)
    report.console.print(
        f"\n[bold green]All {held} checks passed[/] in {report.seconds:.0f} s; facts in {report.file}", soft_wrap=True
    )


def resources(report: Report) -> Table:
    """Count the resources of each stack, and those that are placeholders."""
    stacks: dict[tuple[str, str], Counter[str]] = {}
    for one in report.resources:
        stacks.setdefault((one.region, one.stack), Counter())[one.type] += 1
    recorded = Counter((one.region, one.stack) for one in report.placeholders)
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
    table.add_row("all", "", str(len(report.resources)), str(len(report.placeholders)), "", style="bold")
    return table


def prices(report: Report) -> Table:
    """List what is deployed in each region costs a month by list price."""
    table = _table("USD a month, by list price", "Region")
    for column in ("at the fewest tasks", "at the most", "for operations"):
        table.add_column(column, justify="right")
    for one in report.prices:
        usd = (one.at_min_tasks_usd, one.at_max_tasks_usd, one.operations_usd)
        table.add_row(one.region, *(f"{amount:,.2f}" for amount in usd))
    return table


def placeholders(report: Report) -> Table:
    """Name the placeholders by type."""
    names: dict[str, dict[str, None]] = {}
    for one in report.placeholders:
        names.setdefault(one.type, {})[f"{one.stack}/{one.logical_id}"] = None
    table = _table("Placeholders: only recorded by the emulator, proven by the templates' tests", "Type", "Names")
    for type_, ids in sorted(names.items()):
        table.add_row(type_.removeprefix("AWS::"), escape("\n".join(ids)))
    return table


def runs(report: Report) -> Table:
    """List the runs of the scheduled checks, and what each did."""
    is_many = len(report.regions) > 1
    table = _table("Checks run", "Check", *(["Region"] if is_many else []), "Schedule", "What it did")
    table.add_column("Seconds", justify="right")
    for one in report.runs:
        region = [one.region] if is_many else []
        table.add_row(one.check, *region, escape(one.schedule), escape(one.did), f"{one.seconds:.1f}")
    return table


def deliveries(report: Report) -> Table:
    """List alarms and events by severity, how long their emails took, and the first line of those."""
    is_many = len(report.regions) > 1
    table = _table("Emails read")
    table.expand = True
    for column in ("Severity", *(["Region"] if is_many else []), "Alarm or event"):
        table.add_column(column, no_wrap=True)
    table.add_column("Delivered, ms", justify="right", no_wrap=True)
    table.add_column("What is wrong", style="dim", no_wrap=True, overflow="ellipsis", ratio=1)
    for one in sorted(report.deliveries, key=lambda one: (one.region, one.severity, one.kind, one.name)):
        region = [one.region] if is_many else []
        name = one.name.partition(f"-{one.severity.lower()}-")[2]
        delivered = f"{one.ms:.0f}" if one.result == "delivered" else f"[red]{escape(one.result)}[/]"
        table.add_row(one.severity, *region, f"{name} [dim]({one.kind})[/]", delivered, escape(one.what))
    return table


def checks(report: Report) -> Table:
    """List what was checked and what was seen."""
    is_many = len(report.regions) > 1
    table = _table("What held", "", *(["Region"] if is_many else []), "Check", "Seen")
    for check in report.checks:
        mark = report.mark("passed" if check.result == "held" else "failed")
        region = [check.region] if is_many else []
        table.add_row(mark, *region, escape(check.name), f"[dim]{escape(check.seen)}[/]")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(*columns, title=f"\n{title}", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.header_style = "dim"
    return table
