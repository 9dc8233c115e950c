"""Renew the list prices from AWS's Price List: `make prices`, or `make prices REGION=eu-west-1 ITEM="db.m8g.large"`."""

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich import box
from rich.table import Table

from aws_limits import regions
from config import ENVIRONMENTS
from prices.items import ITEMS, Item, database_item, item
from prices.table import COLUMNS, TABLE, rows
from procedures.terminal import Terminal

# The API's own region. https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
_API_REGION = "us-east-1"
SOURCE = "Price List API"
_FACTOR = 2  # a price that changed by more is probably another product's


class PriceError(Exception):
    """The Price List has not exactly one price of an item; the message names both."""


@dataclass(frozen=True)
class Renewed:
    """An item's price now, and the one in the table; None where there is none."""

    region: str
    item: str
    before: float | None
    now: float


def look_up(pricing: Any, region: str, name: str) -> float:
    """The price of an item's first paid tier in a region; of a global service's, everywhere.

    Raises:
        PriceError: there is none, or there are several.
    """
    wanted = item(name)
    for place in ([{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}], []):
        found = {_highest(product) for product in _products(pricing, wanted, place)} - {0.0}
        if len(found) == 1:
            return found.pop()
        if found:
            several = ", ".join(f"{usd:g}" for usd in sorted(found))
            raise PriceError(f"{name} in {region}: the Price List has several prices, {several}")
    raise PriceError(f"{name} in {region}: the Price List has no {wanted.offer} with usage type {wanted.usage_type}")


def _products(pricing: Any, wanted: Item, place: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """Products of the usage type, which begins with the region's code where the bill's does."""
    usage_type = re.compile(rf"([A-Z0-9]+-)?{re.escape(wanted.usage_type)}")
    attributes = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in wanted.attributes.items()]
    pages = pricing.get_paginator("get_products").paginate(ServiceCode=wanted.offer, Filters=[*place, *attributes])
    for page in pages:
        for text in page["PriceList"]:
            product = json.loads(text)
            usage = product["product"]["attributes"].get("usagetype", "")
            if usage_type.fullmatch(usage if place else usage.removeprefix("Global-")):
                yield product


def _highest(product: dict[str, Any]) -> float:
    """The highest of the tiers: the first ones may be free, the last ones are cheaper."""
    return max(
        (
            float(dimension["pricePerUnit"].get("USD", 0))
            for term in product["terms"].get("OnDemand", {}).values()
            for dimension in term["priceDimensions"].values()
        ),
        default=0.0,
    )


def wanted(region: str | None, name: str | None) -> list[tuple[str, str]]:
    """Regions and items to look up: those asked for, or all that the table has and the environments need."""
    known = {(row["region"], row["item"]) for row in rows()}
    for one in ENVIRONMENTS.values():
        for place in (one.home_region, one.recovery_region):
            known.add((place, database_item(one.database_class, is_multi_az=one.is_multi_az)))
    if region is not None:
        items = {name} if name is not None else {each for _, each in known} | set(ITEMS)
        return sorted((region, each) for each in items)
    places = {place for place, _ in known}
    return sorted(known if name is None else {(place, name) for place in places})


def renew(pricing: Any, asked: Iterable[tuple[str, str]]) -> tuple[list[Renewed], list[str]]:
    """Look up prices; return them, and why others were not renewed."""
    before = {(row["region"], row["item"]): float(row["usd"]) for row in rows()}
    renewed, failed = [], []
    for place, name in asked:
        old = before.get((place, name))
        try:
            now = look_up(pricing, place, name)
        except PriceError as error:
            failed.append(str(error))
            continue
        if old is not None and not old / _FACTOR <= now <= old * _FACTOR:
            failed.append(
                f"{name} in {place}: {now:g} is not like {old:g} in the table; change it by hand if it is right"
            )
            continue
        renewed.append(Renewed(place, name, old, now))
    return renewed, failed


def write(renewed: Sequence[Renewed], file: Path, today: str) -> None:
    """Write the table with these prices, whole or not at all."""
    table = {(row["region"], row["item"]): row for row in rows()}
    for one in renewed:
        usd = f"{one.now:.10f}".rstrip("0").rstrip(".")
        values = (one.region, one.item, usd, today, SOURCE)
        table[one.region, one.item] = dict(zip(COLUMNS, values, strict=True))
    part = file.with_suffix(".part")
    with part.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table[key] for key in sorted(table))
    part.replace(file)


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, renew the table, print what changed; 0, or 1 when a price was not renewed."""
    parser = argparse.ArgumentParser(prog="make prices", description=__doc__)
    parser.add_argument("--region", choices=regions())
    parser.add_argument("--item", help="a name in prices/items.py, or a class such as db.m8g.large")
    arguments = parser.parse_args(argv)
    errors = Terminal(stderr=True)
    if arguments.item is not None and arguments.item not in ITEMS and not arguments.item.startswith("db."):
        errors.print(f"--item must be one of {', '.join(ITEMS)}, or a class such as db.m8g.large", style="red")
        return 2
    try:
        with errors.status("the Price List ..."):
            pricing = boto3.client("pricing", region_name=_API_REGION)
            renewed, failed = renew(pricing, wanted(arguments.region, arguments.item))
    except (BotoCoreError, ClientError) as error:
        errors.print(f"the Price List cannot be asked, the table is as it was: {error}", style="red")
        return 1
    write(renewed, TABLE, datetime.now(UTC).date().isoformat())
    changed = [one for one in renewed if one.before != one.now]
    table = Table("region", "item", "before", "now", title="Changed prices, USD", box=box.SIMPLE_HEAD)
    for one in changed:
        table.add_row(one.region, one.item, "-" if one.before is None else f"{one.before:g}", f"{one.now:g}")
    console = Terminal()
    if changed:
        console.print(table)
    console.print(f"{len(renewed)} prices renewed, {len(changed)} of them changed")
    for reason in failed:
        errors.print(f"not renewed: {reason}", style="red", soft_wrap=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
