"""What an instance of a template is restored from, and what CloudFormation and RDS refuse in it.

CloudFormation passes `DBName` on and RDS refuses it; it passes neither `MasterUsername` nor a key on, and sets
`MasterUserPassword`, as other settings that a restore does not take, by changing the restored instance.
https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds/tree/master/aws-rds-dbinstance
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceToPointInTime.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ministack.core.responses import get_region
from ministack.services.cloudformation import provisioners, stacks

from rehearsal.emulator.services import rds_snapshots
from rehearsal.emulator.services.cloudformation_handler import Properties
from rehearsal.emulator.services.rds_automated_backups import AutomatedBackups, is_key, shown
from rehearsal.postgresql.restored import RestorePoint

TYPE = "AWS::RDS::DBInstance"
SNAPSHOT, BACKUPS, TIME, LATEST = (
    "DBSnapshotIdentifier",
    "SourceDBInstanceAutomatedBackupsArn",
    "RestoreTime",
    "UseLatestRestorableTime",
)
OTHERS = ("SourceDbiResourceId", "DBClusterSnapshotIdentifier")
SOURCES = (SNAPSHOT, BACKUPS, TIME, LATEST, *OTHERS)
INHERITED = ("Engine", "EngineVersion", "AllocatedStorage", "StorageType")
KEPT = ("MasterUsername", "DBName", "StorageEncrypted")  # whatever the template says


@dataclass(frozen=True)
class Source:
    """What an instance is restored from.

    Args:
        record: RDS's record of the instance or snapshot. key: encrypts the data here.
        point: the data; None for a record only.
    """

    record: Mapping[str, Any]
    key: str
    point: RestorePoint | None

    def properties(self, props: Properties) -> Properties:
        """The template's properties, with what a restored instance takes from its source."""
        inherited = {key: self.record[key] for key in INHERITED if self.record.get(key)}
        kept = {key: self.record[key] for key in KEPT if key in self.record}
        return {**inherited, **props, **kept, "KmsKeyId": self.key}


def register() -> None:
    """Replace an instance whose source changes or goes, which fails while its name stays; and restore in a thread.

    Of `DBSnapshotIdentifier` the documentation says so; of the others the provider's code says it of a change.
    """
    replaces, blocks = provisioners._replacing_change, stacks._runs_on_worker_thread

    def replaces_source(type_name: str, old: Properties, new: Properties) -> bool:
        is_changed = any((old.get(name) or None) != (new.get(name) or None) for name in SOURCES)
        return (type_name == TYPE and is_changed) or bool(replaces(type_name, old, new))

    provisioners._replacing_change = stacks._replacing_change = replaces_source
    stacks._runs_on_worker_thread = lambda type_name: type_name == TYPE or blocks(type_name)


def source(props: Properties, automated: AutomatedBackups) -> Source | None:
    """What the template restores an instance from; None for an empty one.

    Raises:
        ValueError: AWS refuses it.
    """
    given = [name for name in SOURCES if props.get(name) not in (None, "", False, "false")]
    if not given:
        return None
    if SNAPSHOT in given and len(given) > 1:
        raise ValueError(f"InvalidParameterCombination: DBSnapshotIdentifier is not valid with {', '.join(given[1:])}.")
    unknown = [name for name in ("SourceDBInstanceIdentifier", *OTHERS) if props.get(name)]
    if unknown or not {SNAPSHOT, BACKUPS} & set(given):
        names = unknown or given
        raise ValueError(f"A restore is rehearsed with {SNAPSHOT} or {BACKUPS} only, got {', '.join(names)}.")
    if props.get("DBName"):
        raise ValueError("InvalidParameterValue: DBName must be null when Restoring for this Engine.")
    return _of_snapshot(props[SNAPSHOT]) if SNAPSHOT in given else _of_backups(props, automated)


def _of_snapshot(identifier: str) -> Source:
    snapshot = rds_snapshots.find(identifier)
    if snapshot is None:
        raise ValueError(f"DBSnapshotNotFound: DBSnapshot not found: {identifier}")
    data = snapshot.get(rds_snapshots.DATA)
    return Source(snapshot, snapshot["KmsKeyId"], RestorePoint(data / "data", data / "wal") if data else None)


def _of_backups(props: Properties, automated: AutomatedBackups) -> Source:
    found = automated.find(props[BACKUPS])
    is_latest = str(props.get(LATEST, "")).lower() == "true"
    if bool(props.get(TIME)) == is_latest:
        raise ValueError(f"InvalidParameterCombination: exactly one of {TIME} and {LATEST} must be given.")
    if not is_key(found.key, get_region()):
        raise ValueError(f"KMSKeyNotAccessibleFault: the key {found.key} of the backups is not accessible.")
    if found.window is None or found.base is None:
        raise ValueError("InvalidRestoreFault: the automated backups have no data to restore yet.")
    moment = found.window[1] if is_latest else _moment(props[TIME], found.window)
    return Source(found.instance, found.key, RestorePoint(found.base.data, found.base.wal, moment))


def _moment(text: str, window: tuple[datetime, datetime]) -> datetime:
    """The moment that RestoreTime names, within the window."""
    try:
        moment: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{TIME} must be a time in Universal Coordinated Time (UTC) format, got {text!r}.")
    for limit, word, is_beyond in (
        (window[0], "earlier", moment < window[0]),
        (window[1], "later", moment > window[1]),
    ):
        if is_beyond:
            raise ValueError(
                f"InvalidParameterValue: The specified instance cannot be restored to a time {word} than "
                f"{shown(limit)}."
            )
    return moment
