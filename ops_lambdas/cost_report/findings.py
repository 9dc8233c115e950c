"""What the report found beside the costs: their comparison with list prices, and what could go.

Apart from what finds it: prices are imported only when costs are compared.
"""

from dataclasses import dataclass
from decimal import Decimal


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


@dataclass(frozen=True)
class Saving:
    """Something that could go, and what that saves in a month."""

    what: str
    usd: float


@dataclass(frozen=True)
class CouldGo:
    """What could go, what saves most first; and what could not be looked at."""

    found: tuple[Saving, ...] = ()
    unknown: tuple[str, ...] = ()
