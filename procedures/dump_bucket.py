"""What is in the bucket of dumps: each dump, and beside it how many rows each table had."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

import boto3
from rich.filesize import decimal
from rich.table import Table

from environment import Environment
from procedures.execution import CLIENT

DUMP, ROWS = "database.dump", "rows.csv"
_PREFIX = "dumps/"
_NEWEST = 10


class DumpError(Exception):
    """There is no such dump, or it was not restored. The message is for the operator."""


@dataclass(frozen=True)
class Dump:
    """A dump in the bucket.

    Attributes:
        key: beginning of its objects' keys; it ends with the time, so that keys sort by time.
        rows: of each table, by schema and name, when it was dumped.
    """

    key: str
    size_bytes: int
    rows: Mapping[str, int]

    @property
    def described(self) -> str:
        """Its size and what is in it."""
        return f"{decimal(self.size_bytes)}, {sum(self.rows.values()):,} rows in {len(self.rows)} tables"


class Bucket:
    """The bucket of dumps of an environment in a region.

    Raises:
        DumpError: -data is not deployed, or from before there were dumps.
    """

    def __init__(self, chosen: Environment) -> None:
        stack = chosen.names.stack("data")
        cloudformation, self._s3 = (
            boto3.client(name, region_name=chosen.region, config=CLIENT) for name in ("cloudformation", "s3")
        )
        outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", ())
        found = [str(one["OutputValue"]) for one in outputs if one["OutputKey"] == "DumpBucket"]
        if not found:
            raise DumpError(f"{stack} has no bucket for dumps: deploy it first")
        self.name = found[0]

    def dump(self, key: str) -> Dump:
        """Look a dump up.

        Raises:
            DumpError: the bucket has none of this key; the message has the newest.
        """
        sizes = self._sizes(f"{key}/")
        if not key.startswith(_PREFIX) or not {f"{key}/{DUMP}", f"{key}/{ROWS}"} <= sizes.keys():
            newest = "\n".join(self._newest()) or "none is there"
            raise DumpError(f"DUMP must be the key of a dump, got {key!r}. The newest are:\n{newest}")
        text = self._s3.get_object(Bucket=self.name, Key=f"{key}/{ROWS}")["Body"].read().decode()
        return Dump(key, sizes[f"{key}/{DUMP}"], rows(text))

    def _newest(self) -> list[str]:
        keys = {one.rpartition("/")[0] for one in self._sizes(_PREFIX) if one.endswith(f"/{ROWS}")}
        return sorted(keys)[-_NEWEST:]

    def _sizes(self, prefix: str) -> dict[str, int]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return {one["Key"]: one["Size"] for page in pages for one in page.get("Contents", ())}


def rows(text: str) -> dict[str, int]:
    """Row counts by table of lines as psql writes them."""
    return {table: int(count) for table, count in csv.reader(io.StringIO(text))}


def table(title: str, columns: Mapping[str, Mapping[str, int]]) -> Table:
    """A table of row counts: a line for each table of the database, a column for each title; unequal ones in red."""
    shown = Table(title=title, title_justify="left", title_style="bold")
    shown.add_column("table")
    for name in columns:
        shown.add_column(name, justify="right")
    for each in sorted(set().union(*columns.values())):
        counts = [one.get(each) for one in columns.values()]
        style = None if len(set(counts)) == 1 else "bold red"
        shown.add_row(each, *("none" if one is None else f"{one:,}" for one in counts), style=style)
    return shown
