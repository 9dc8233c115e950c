"""What is deployed costs by list price in the reported days, and the services that cost more. Values in, values out."""

from collections import defaultdict
from decimal import Decimal

from ops_lambdas.cost_report.core import Costs, Period
from ops_lambdas.cost_report.findings import Comparison, ServicePrice, Tolerance
from prices.estimate import Estimate
from prices.items import HOURS

_SHOWN_ITEMS = 3


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
