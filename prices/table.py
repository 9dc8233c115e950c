"""The table of list prices, list_prices.csv: one row for an item in a region, in USD before tax and discounts.

`make prices` renews it. What an item is and how it is billed is in items.py.
"""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("list_prices.csv")
COLUMNS = ("region", "item", "usd", "date", "source")


class UnpricedError(LookupError):
    """Something has no price here; the message names it, and what to do."""


class Prices:
    """The prices of one region.

    Args:
        usd: by item's name.
    """

    def __init__(self, region: str, usd: Mapping[str, float]) -> None:
        self.region = region
        self._usd = usd

    def usd(self, name: str) -> float:
        """The price of one unit of an item.

        Raises:
            UnpricedError: the table has none.
        """
        try:
            return self._usd[name]
        except KeyError:
            which = f"price of {name!r}" if self._usd else "prices"
            options = f"REGION={self.region}" + f" ITEM={name!r}" * bool(self._usd)
            raise UnpricedError(
                f"prices/{TABLE.name} has no {which} in {self.region}: with AWS credentials, `make prices {options}` "
                "looks it up"
            ) from None


@cache
def rows() -> tuple[dict[str, str], ...]:
    """The table's rows, by column."""
    with TABLE.open(newline="") as file:
        return tuple(csv.DictReader(file))


def list_prices(region: str) -> Prices:
    """The list prices of a region; of an unknown one, none."""
    return Prices(region, {row["item"]: float(row["usd"]) for row in rows() if row["region"] == region})
