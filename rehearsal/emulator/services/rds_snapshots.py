"""Snapshots of DB instances that hold their data, and copies of snapshots, also from another region.

MiniStack's are records, and it does not copy them.
"""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid, request_scope
from ministack.services import rds

from rehearsal.emulator.services.rds_automated_backups import AutomatedBackups, is_key
from rehearsal.emulator.services.rds_servers import Servers
from rehearsal.postgresql import backups

DATA = "_data"  # of a snapshot's record: the folder of its base backup


class Snapshots:
    """The snapshots of all regions.

    Args:
        folder: of their data.
    """

    def __init__(self, servers: Servers, automated: AutomatedBackups, folder: Path) -> None:
        self._servers, self._automated, self._folder = servers, automated, folder
        self._create_record, self._delete_record = rds._create_snapshot_internal, rds._ACTION_MAP["DeleteDBSnapshot"]

    def register(self) -> None:
        """Give every snapshot its data, the last one of a deleted instance too."""
        rds._create_snapshot_internal = self.create
        rds._ACTION_MAP |= {"DeleteDBSnapshot": self.delete, "CopyDBSnapshot": self.copy}

    def create(self, name: str, instance: dict[str, Any]) -> dict[str, Any]:
        """Take a snapshot of an instance as it is now."""
        snapshot: dict[str, Any] = self._create_record(name, instance)
        server = self._servers.of_instance(instance)
        if server is None:
            return snapshot
        folder = self._folder / new_uuid()
        with self._servers.archiving, closing(server.admin()) as admin:
            backups.take(admin, backups.begin_archive(admin), folder)
            if not self._automated.is_archiving(server):
                backups.end_archive(admin)
        snapshot[DATA] = folder
        return snapshot

    def delete(self, parameters: Any) -> Any:
        """Delete a snapshot with its data."""
        snapshot = rds._snapshots.get(rds._p(parameters, "DBSnapshotIdentifier"), {})
        answer = self._delete_record(parameters)
        if answer[0] == 200 and DATA in snapshot:
            shutil.rmtree(snapshot[DATA])
        return answer

    def copy(self, parameters: Any) -> Any:
        """Copy a snapshot, encrypted with a key of this region where it comes from another one.

        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CopyDBSnapshot.html
        """
        source, name, key = (
            rds._p(parameters, one) for one in ("SourceDBSnapshotIdentifier", "TargetDBSnapshotIdentifier", "KmsKeyId")
        )
        region = source.split(":")[3] if source.startswith("arn:") else get_region()
        if self._servers.is_lost(region):
            return rds._error("ServiceUnavailable", f"{region} does not answer.", 503)
        with request_scope(get_account_id(), region):
            snapshot = find(source)
        if snapshot is None:
            return rds._error("DBSnapshotNotFound", f"DBSnapshot not found: {source}", 404)
        if name in rds._snapshots:
            return rds._error("DBSnapshotAlreadyExists", f"Cannot create the snapshot because {name} exists.", 400)
        if snapshot["Encrypted"] and (key or region != get_region()) and not is_key(key, get_region()):
            text = f"KMS key {key} is not accessible: a copy in {get_region()} needs one of this region."
            return rds._error("KMSKeyNotAccessibleFault", text, 400)
        arn = f"arn:aws:rds:{get_region()}:{get_account_id()}:snapshot:{name}"
        own = {"DBSnapshotIdentifier": name, "DBSnapshotArn": arn, "KmsKeyId": key or snapshot["KmsKeyId"]}
        copied = {**snapshot, **own, "TagList": rds._parse_tags(parameters), "SourceRegion": region}
        if DATA in snapshot:
            copied[DATA] = self._folder / new_uuid()
            shutil.copytree(snapshot[DATA], copied[DATA])
        rds._snapshots[name] = copied
        rds._tags[arn] = copied["TagList"]
        result = f"<CopyDBSnapshotResult><DBSnapshot>{rds._snapshot_xml(copied)}</DBSnapshot></CopyDBSnapshotResult>"
        return rds._xml(200, "CopyDBSnapshotResponse", result)


def find(identifier: str) -> dict[str, Any] | None:
    """The snapshot of that name or ARN in the region of the request."""
    snapshot = rds._snapshots.get(identifier.rpartition(":")[2])
    return (
        snapshot if snapshot and identifier in (snapshot["DBSnapshotArn"], snapshot["DBSnapshotIdentifier"]) else None
    )
