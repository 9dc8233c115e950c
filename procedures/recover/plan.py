"""What a recovery is going to do: looked up in both regions, and shown before anything is touched."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from rich.table import Table

from environment import Environment
from names import NOT_RESTORED, TO_BE_RESTORED
from procedures.findings import CLIENT
from procedures.recover import moved_name, places, source
from procedures.recover.source import RecoveryError, Source


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a recovery is going to do.

    Attributes:
        other: the other region.
        source: what the database is restored from; None: it is there already and stays, or it is a move.
        is_move: the other region is stopped, and what it has is restored.
        kept: what the region's parameters say.
    """

    chosen: Environment
    other: places.Other
    source: Source | None
    has_database: bool
    is_move: bool
    kept: Mapping[str, str]

    def refuse_two(self, *, is_insisted: bool) -> None:
        """Raise RecoveryError when the other region serves and goes on, unless the operator insists."""
        if self.other.serves and not (self.is_move or is_insisted):
            raise RecoveryError(
                f"{self.other.found}: users would be divided between two databases. Stop it with MOVE=yes, which takes "
                "along what it has, or say why not with INSIST=reason"
            )


def look(chosen: Environment, at: datetime | None, snapshot: str | None, *, is_move: bool) -> Plan:
    """Look at both regions, and decide what the database is restored from; reads only.

    Raises:
        RecoveryError: there is nothing to restore, or the region is not in standby.
        BotoCoreError, ClientError: the region's AWS cannot be asked.
    """
    rds, ssm, formation = (
        boto3.client(service, region_name=chosen.region, config=CLIENT) for service in ("rds", "ssm", "cloudformation")
    )
    there = places.stacks(formation, chosen)
    absent = [name for name in chosen.names.stacks if name not in there]
    if absent:
        raise RecoveryError(
            f"{chosen.region} is not in standby, {', '.join(absent)} is not there: make standby ENV={chosen.name}"
        )
    kept = source.kept(ssm, chosen)
    restored, has_database = None, places.has_database(rds, chosen)
    if has_database and (at or snapshot):
        raise RecoveryError(
            f"{chosen.names.database} is in {chosen.region} already, restored from {shown(kept)}: go on without AT and "
            f"SNAPSHOT, or begin anew with make stand-down ENV={chosen.name} REGION={chosen.region}"
        )
    if snapshot:
        restored = source.from_snapshot(rds, chosen, snapshot)
    elif not has_database and not is_move:
        restored = _again(rds, chosen, kept) if at is None else None
        restored = restored or source.from_backups(rds, chosen, at)
    return Plan(
        chosen=chosen,
        other=places.look_at(chosen, chosen.other_region),
        source=restored,
        has_database=has_database,
        is_move=is_move,
        kept=kept,
    )


def _again(rds: Any, chosen: Environment, kept: Mapping[str, str]) -> Source | None:
    """What a recovery that was begun restores; None before."""
    if kept["snapshot"] not in (NOT_RESTORED, TO_BE_RESTORED):
        return source.from_snapshot(rds, chosen, kept["snapshot"])
    point = begun(kept)
    return source.from_backups(rds, chosen, point) if point else None


def begun(kept: Mapping[str, str]) -> datetime | None:
    """The recovery point that the region's parameters have: of a recovery that was begun; None before."""
    return source.moment(kept["time"]) if kept["time"] != NOT_RESTORED else None


def shown(kept: Mapping[str, str]) -> str:
    """What the region's parameters say, in words."""
    parts = [f"{part} {value}" for part, value in kept.items() if value not in (NOT_RESTORED, TO_BE_RESTORED)]
    return ", ".join(parts) or "nothing"


def table(planned: Plan, now: datetime) -> Table:
    """What is going to be done, for the operator to agree to."""
    chosen = planned.chosen
    rows = Table("", "", title=f"Recover {chosen.name} in {chosen.region}", title_justify="left", show_header=False)
    rows.add_row("other region", planned.other.found)
    if planned.source:
        age = (now - planned.source.point).total_seconds() / 60
        rows.add_row("database", planned.source.snapshot or planned.source.backup)
        rows.add_row("recovery point", f"{planned.source.point:%Y-%m-%d %H:%M:%S} UTC, {age:.0f} minutes ago")
    elif planned.is_move and not planned.has_database:
        rows.add_row("database", f"of {chosen.other_region}, once its tasks have ended; nothing is lost")
    else:
        rows.add_row("database", f"is there, restored from {shown(planned.kept)}; it stays")
    rows.add_row("version", chosen.image_tag)
    rows.add_row("site", moved_name.move(chosen))
    return rows
