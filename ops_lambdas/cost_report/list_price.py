"""What is deployed costs by list price in the reported days, and the services that cost more. Values in, values out."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from ops_lambdas.cost_report.core import Costs, Period
from prices.estimate import Estimate
from prices.items import HOURS

_SHOWN_ITEMS = 3


@dataclass(frozen=True)
class Tolerance:
    """A service is above its list price when it is by more than both."""

    percent: Decimal
    usd: Decimal


@dataclass(frozen=True)
class ServicePrice:
    """A service's cost and list price in the same days.

    Attributes:
        items: what the list price is for, the most expensive first, in USD in a whole month.
    """

    service: str
    cost: Decimal
    list_price: Decimal
    is_above: bool
    items: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True)
class Comparison:
    """The costs of the reported days, compared with list prices.

    Attributes:
        tasks: that the service ran on average.
        services: those with a cost or a list price, the most expensive first.
        items: what the list price of everything is for, the most expensive first, in USD in a whole month.
        why_not: why they were not compared; then there are no services.
    """

    tasks: float = 0
    services: tuple[ServicePrice, ...] = ()
    items: tuple[tuple[str, Decimal], ...] = ()
    why_not: str = ""

    @property
    def above(self) -> tuple[ServicePrice, ...]:
        """Services above their list price by more than is tolerated."""
        return tuple(one for one in self.services if one.is_above)

    @property
    def list_price(self) -> Decimal:
        """Of everything."""
        return sum((one.list_price for one in self.services), Decimal(0))

    def of(self, service: str) -> ServicePrice | None:
        """That of a service."""
        return next((one for one in self.services if one.service == service), None)


def compare(costs: Costs, period: Period, deployed: Estimate, *, tasks: float, tolerance: Tolerance) -> Comparison:
    """Compare what the days cost by service with what is deployed, at the number of tasks that ran on average."""
    months = Decimal(period.days * 24) / HOURS
    prices = {service: months * Decimal(usd) for service, usd in deployed.by_service(tasks).items()}
    services = {**dict.fromkeys(prices, Decimal(0)), **costs.by_service}
    return Comparison(
        tasks,
        tuple(
            ServicePrice(
                service,
                cost,
                list_price := prices.get(service, Decimal(0)),
                _is_above(cost, list_price, tolerance),
                _items(deployed, service, tasks),
            )
            for service, cost in sorted(services.items(), key=lambda one: (-one[1], one[0]))
        ),
        _items(deployed, None, tasks),
    )


def _is_above(cost: Decimal, list_price: Decimal, tolerance: Tolerance) -> bool:
    return cost - list_price > max(tolerance.usd, list_price * tolerance.percent / 100)


def _items(deployed: Estimate, service: str | None, tasks: float) -> tuple[tuple[str, Decimal], ...]:
    """The most expensive items of a service, or of all."""
    usd: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in deployed.lines:
        if service in (None, one.service):
            usd[one.line.charge.item] += Decimal(one.usd(tasks))
    return tuple(sorted(usd.items(), key=lambda pair: -pair[1])[:_SHOWN_ITEMS])
