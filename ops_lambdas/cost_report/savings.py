"""What could go, and what that saves in a month by list price. Values in, values out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ops_lambdas.cost_report.findings import Saving
from prices.estimate import Estimate
from prices.items import HOURS, database_item
from prices.table import Prices, UnpricedError

IDLE_CPU_PERCENT = 20
DAYS = 14  # that an instance or the tasks are looked back on
OLD_DAYS = 180  # of images and snapshots
_SIZES = ("medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")


@dataclass(frozen=True)
class Stored:
    """Something that is stored and nothing uses."""

    name: str
    gb: float


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a look at the account and the environment found.

    Attributes:
        database_cpu: by instance, the highest hourly average in two weeks, in percent.
        peak_tasks: the most tasks that the service wanted in two weeks; None without data.
        images: of the environment's repositories, older than OLD_DAYS, that no deployed task has.
        volumes: attached to nothing.
        snapshots: of volumes that are gone.
        database_snapshots: taken by hand, older than OLD_DAYS.
        log_groups: without retention.
        addresses: attached to nothing.
        unknown: what could not be looked at, and why.
    """

    database_cpu: Mapping[str, float] = field(default_factory=dict)
    peak_tasks: float | None = None
    images: tuple[Stored, ...] = ()
    volumes: tuple[Stored, ...] = ()
    snapshots: tuple[Stored, ...] = ()
    database_snapshots: tuple[Stored, ...] = ()
    log_groups: tuple[Stored, ...] = ()
    addresses: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def savings(
    facts: Facts, templates: Mapping[str, Mapping[str, Any]], deployed: Estimate, prices: Prices
) -> tuple[Saving, ...]:
    """Return what could go, what saves most first."""
    found = [
        *_databases(facts, templates, prices),
        *_tasks(facts, templates, deployed),
        *_stored(f"images older than {OLD_DAYS} days", facts.images, "image storage", prices),
        *_stored("volumes attached to nothing", facts.volumes, "volume storage", prices),
        *_stored("snapshots of volumes that are gone", facts.snapshots, "volume snapshot", prices),
        *_stored(f"database snapshots older than {OLD_DAYS} days", facts.database_snapshots, "backup storage", prices),
        *_stored("log groups without retention", facts.log_groups, "stored logs", prices),
    ]
    if facts.addresses:
        what = f"addresses attached to nothing ({len(facts.addresses)}): {_named(facts.addresses)}"
        found.append(Saving(what, len(facts.addresses) * HOURS * prices.usd("public IPv4 address")))
    return tuple(sorted(found, key=lambda one: -one.usd))


def smaller(instance_class: str) -> str | None:
    """The next smaller class of the same family that config.py admits."""
    family, _, size = instance_class.rpartition(".")
    place = _SIZES.index(size) if size in _SIZES else 0
    return f"{family}.{_SIZES[place - 1]}" if place else None


def _databases(facts: Facts, templates: Mapping[str, Mapping[str, Any]], prices: Prices) -> Iterator[Saving]:
    for properties in of_type(templates, "AWS::RDS::DBInstance"):
        name, instance_class = properties["DBInstanceIdentifier"], properties["DBInstanceClass"]
        cpu, would_do = facts.database_cpu.get(name), smaller(instance_class)
        if cpu is None or cpu >= IDLE_CPU_PERCENT or would_do is None:
            continue
        is_multi_az = bool(properties.get("MultiAZ"))
        try:
            now, then = (prices.usd(database_item(one, is_multi_az=is_multi_az)) for one in (instance_class, would_do))
        except UnpricedError:
            continue
        what = f"{name} was never above {cpu:.0f} % CPU: {would_do} instead of {instance_class} would do"
        yield Saving(what, HOURS * (now - then))


def _tasks(facts: Facts, templates: Mapping[str, Mapping[str, Any]], deployed: Estimate) -> Iterator[Saving]:
    for target in of_type(templates, "AWS::ApplicationAutoScaling::ScalableTarget"):
        least = target["MinCapacity"]
        if facts.peak_tasks is not None and least > 1 and facts.peak_tasks <= least:
            what = f"the service never ran more than its {least} tasks: with a lower min_tasks, each one less"
            yield Saving(what, deployed.usd(least) - deployed.usd(least - 1))


def _stored(what: str, stored: tuple[Stored, ...], item: str, prices: Prices) -> Iterator[Saving]:
    if stored:
        gb = sum(one.gb for one in stored)
        names = _named([one.name for one in sorted(stored, key=lambda one: -one.gb)])
        yield Saving(f"{what} ({len(stored)}, {gb:,.1f} GB): {names}", gb * prices.usd(item))


def _named(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def of_type(templates: Mapping[str, Mapping[str, Any]], type_: str) -> Iterator[Mapping[str, Any]]:
    """Properties of the resources of a type."""
    for template in templates.values():
        for one in template["Resources"].values():
            if one["Type"] == type_:
                yield one["Properties"]
