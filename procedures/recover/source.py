"""What a region's database is restored from: replicated backups at a time, or a snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from environment import Environment
from names import NOT_RESTORED, ORIGIN_PARTS

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class RecoveryError(Exception):
    """The recovery cannot begin, or go on. The message is for the operator."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What the database is restored from.

    Attributes:
        snapshot, backup: ARN of the one or the other.
        point: the recovery point: what was committed until then is in the restored database. UTC.
    """

    snapshot: str | None = None
    backup: str | None = None
    point: datetime

    @property
    def parameters(self) -> dict[str, str]:
        """The values of the region's parameters, by their names' ends."""
        time = self.point.strftime(TIME_FORMAT) if self.backup else NOT_RESTORED
        return {"snapshot": self.snapshot or NOT_RESTORED, "backup": self.backup or NOT_RESTORED, "time": time}


def moment(text: str) -> datetime:
    """Return the time that an operator gave, such as 2026-11-28T03:00:00Z.

    Raises:
        RecoveryError: it is none, or has no zone.
    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        given = None
    if given is None or given.tzinfo is None:
        raise RecoveryError(f"AT must be a time with its zone, such as 2026-11-28T03:00:00Z, got {text!r}")
    return given.astimezone(UTC).replace(microsecond=0)


def from_backups(rds: Any, chosen: Environment, at: datetime | None) -> Source:
    """The other region's automated backups that are replicated here, at a time, or the latest that they allow.

    Raises:
        RecoveryError: there is none, or the time is outside of what it allows.
    """
    found = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=chosen.names.database)
    ours = [one for one in found["DBInstanceAutomatedBackups"] if one["Region"] == chosen.other_region]
    if not ours:
        raise RecoveryError(
            f"there are no backups of {chosen.names.database} from {chosen.other_region} in {chosen.region}; "
            "restore a snapshot: SNAPSHOT=arn, of those that this lists: aws backup "
            f"list-recovery-points-by-backup-vault --backup-vault-name {chosen.names.backup_vault} "
            f"--region {chosen.region}"
        )
    # To the second, as CloudFormation takes it.
    newest = max(ours, key=lambda one: one["RestoreWindow"]["LatestTime"])
    earliest, latest = newest["RestoreWindow"]["EarliestTime"], newest["RestoreWindow"]["LatestTime"]
    point = latest.replace(microsecond=0) if at is None else at
    if not earliest <= point <= latest:
        window = f"{earliest.strftime(TIME_FORMAT)} to {latest.strftime(TIME_FORMAT)}"
        raise RecoveryError(f"AT must be from {window}, what the backups allow, got {point.strftime(TIME_FORMAT)}")
    return Source(backup=newest["DBInstanceAutomatedBackupsArn"], point=point.astimezone(UTC))


def from_snapshot(rds: Any, chosen: Environment, arn: str) -> Source:
    """A snapshot in this region.

    Raises:
        RecoveryError: it is not there, not available, or of another database.
    """
    try:
        (snapshot,) = rds.describe_db_snapshots(DBSnapshotIdentifier=arn)["DBSnapshots"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("DBSnapshotNotFound", "DBSnapshotNotFoundFault"):
            raise
        raise RecoveryError(f"SNAPSHOT must be the ARN of a snapshot in {chosen.region}, got {arn!r}") from None
    if (snapshot["Status"], snapshot["DBInstanceIdentifier"]) != ("available", chosen.names.database):
        raise RecoveryError(
            f"SNAPSHOT must be an available one of {chosen.names.database}, got one of "
            f"{snapshot['DBInstanceIdentifier']} that is {snapshot['Status']}"
        )
    # A copy's own time is later. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBSnapshot.html
    taken = snapshot.get("OriginalSnapshotCreateTime") or snapshot["SnapshotCreateTime"]
    return Source(snapshot=snapshot["DBSnapshotArn"], point=taken.astimezone(UTC))


def kept(ssm: Any, chosen: Environment) -> dict[str, str]:
    """What the region's parameters say now, by their names' ends.

    Raises:
        RecoveryError: they are not there.
    """
    names = {chosen.names.origin_parameter(part): part for part in ORIGIN_PARTS}
    found = ssm.get_parameters(Names=list(names))["Parameters"]
    if len(found) < len(names):
        raise RecoveryError(f"{chosen.region} is not in standby; run: make standby ENV={chosen.name}")
    return {names[one["Name"]]: one["Value"] for one in found}


def keep(ssm: Any, chosen: Environment, values: Mapping[str, str]) -> None:
    """Write what the database is restored from to the region's parameters, for this deployment and all later ones."""
    for part, value in values.items():
        ssm.put_parameter(Name=chosen.names.origin_parameter(part), Value=value, Type="String", Overwrite=True)
