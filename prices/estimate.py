"""What the templates of one environment in one region cost in a month by list price."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from prices.items import item
from prices.resources import Line, lines
from prices.schedules import share_of_time_on
from prices.table import Prices

# The stacks of what watches and repairs; the others are the application's own, which a region needs anyway.
_OPERATIONS = {"logs", "monitoring", "operations"}
_OPERATIONS_TYPES = {"AWS::EC2::FlowLog"}


@dataclass(frozen=True)
class Priced:
    """A line with its price."""

    line: Line
    service: str
    unit: str
    usd_a_unit: float

    @property
    def is_operations(self) -> bool:
        """Whether it is there for operations: not the application's own."""
        return self.line.layer in _OPERATIONS or self.line.type in _OPERATIONS_TYPES

    def quantity(self, tasks: float) -> float:
        """Units in a month with so many tasks, on average."""
        return self.line.charge.quantity + self.line.charge.a_task * tasks

    def usd(self, tasks: float) -> float:
        """Its cost in a month with so many tasks, on average."""
        return self.quantity(tasks) * self.usd_a_unit


@dataclass(frozen=True)
class Estimate:
    """The price of templates.

    Attributes:
        min_tasks, max_tasks: how many tasks run on average when as few as possible or as many run; below the
            configured ones where the service rests in off-hours.
    """

    region: str
    lines: tuple[Priced, ...]
    min_tasks: float
    max_tasks: float

    def usd(self, tasks: float) -> float:
        """The cost of a month with so many tasks, on average."""
        return sum(one.usd(tasks) for one in self.lines)

    def by_service(self, tasks: float) -> dict[str, float]:
        """The same by service, with the bill's names, the most expensive first."""
        usd: defaultdict[str, float] = defaultdict(float)
        for one in self.lines:
            usd[one.service] += one.usd(tasks)
        return dict(sorted(usd.items(), key=lambda pair: -pair[1]))

    @cached_property
    def operations_usd(self) -> float:
        """The part of a month at `min_tasks` that is there for operations."""
        return sum(one.usd(self.min_tasks) for one in self.lines if one.is_operations)


def estimate(templates: Mapping[str, Mapping[str, Any]], prices: Prices) -> Estimate:
    """Price the templates of an environment, by layer.

    Raises:
        UnpricedError: something in them has no known price.
    """
    priced = []
    for line in lines(templates):
        charged = item(line.charge.item)
        priced.append(Priced(line, charged.service, charged.unit, prices.usd(line.charge.item)))
    targets = [
        (properties, share_of_time_on(properties.get("ScheduledActions", [])))
        for template in templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget"
        for properties in [resource["Properties"]]
    ]
    return Estimate(
        prices.region,
        tuple(priced),
        min_tasks=sum(one["MinCapacity"] * share for one, share in targets),
        max_tasks=sum(one["MaxCapacity"] * share for one, share in targets),
    )
