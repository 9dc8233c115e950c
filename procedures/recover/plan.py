"""What a recovery is going to do: looked up in both regions, and shown before anything is touched."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

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
        source: what the database is restored from; None: it is there already, and stays.
        stacks: of the region's stacks, how many are there.
    """

    chosen: Environment
    home: places.Home
    source: Source | None
    kept: Mapping[str, str]
    stacks: Mapping[str, str]

    def refuse_two(self, *, is_insisted: bool) -> None:
        """Raise RecoveryError when the home region serves, unless the operator insists."""
        if self.home.serves and not is_insisted:
            raise RecoveryError(
                f"{self.home.found}: users would be divided between two databases. Stop it first (docs/recovery.md), "
                "or say why not with INSIST=reason"
            )


def look(chosen: Environment, at: datetime | None, snapshot: str | None) -> Plan:
    """Look at both regions, and decide what the database is restored from; reads only.

    Raises:
        RecoveryError: there is nothing to restore, or the region is not in standby.
        BotoCoreError, ClientError: the recovery region's AWS cannot be asked.
    """
    if not chosen.receives_copies:
        raise RecoveryError(
            f"REGION must be {chosen.recovery_region}, where {chosen.name} has copies while recovery is on, "
            f"got {chosen.region} with recovery {chosen.recovery!r}"
        )
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
    if places.has_database(rds, chosen):
        if at or snapshot:
            raise RecoveryError(
                f"{chosen.names.database} is in {chosen.region} already, restored from {shown(kept)}: "
                "go on without AT and SNAPSHOT, or see docs/recovery.md, “Restore again”"
            )
        restored = None
    elif snapshot:
        restored = source.from_snapshot(rds, chosen, snapshot)
    else:
        restored = source.from_backups(rds, chosen, at or begun(kept))
    return Plan(chosen=chosen, home=places.look_at_home(chosen), source=restored, kept=kept, stacks=there)


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
    rows.add_row("home region", planned.home.found)
    if planned.source:
        age = (now - planned.source.point).total_seconds() / 60
        rows.add_row("database", planned.source.snapshot or planned.source.backup)
        rows.add_row("recovery point", f"{planned.source.point:%Y-%m-%d %H:%M:%S} UTC, {age:.0f} minutes ago")
    else:
        rows.add_row("database", f"is there, restored from {shown(planned.kept)}; it stays")
    rows.add_row("version", chosen.image_tag)
    rows.add_row("site", moved_name.move(chosen))
    return rows
