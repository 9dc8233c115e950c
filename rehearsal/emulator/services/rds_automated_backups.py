"""RDS's automated backups that are replicated to another region: a copy of the data, and the log as it is archived.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html
"""

import base64
import logging
import secrets
import shutil
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import kms, rds
from pg8000.exceptions import DatabaseError, InterfaceError

from rehearsal.emulator.services.cloudformation_handler import Properties
from rehearsal.emulator.services.rds_servers import Server, Servers
from rehearsal.postgresql import backups

ARCHIVE_SECONDS = 2  # on AWS it is five minutes, and the copy is 5 to 30 minutes behind
MILLISECOND = timedelta(milliseconds=1)
SHOWN = (
    *("DBInstanceArn", "DbiResourceId", "DBInstanceIdentifier", "AllocatedStorage", "MasterUsername", "Engine"),
    *("EngineVersion", "StorageType", "InstanceCreateTime", "BackupRetentionPeriod"),
)

log = logging.getLogger("rehearsal.backups")


@dataclass
class Replicated:
    """The backups of an instance, in another region.

    Args:
        instance: RDS's record of it. region: where it is.
        destination, key: the other region, and the ARN of its key that encrypts the copy.
        server: it is on; None for an instance that is a record only.
    """

    instance: dict[str, Any]
    region: str
    destination: str
    key: str
    server: Server | None
    base: backups.BaseBackup | None = None
    archive: Path | None = None
    latest: datetime | None = None
    status: str = "active"

    def __post_init__(self) -> None:
        id_ = base64.b32encode(secrets.token_bytes(20)).decode().lower()
        self.arn = f"arn:aws:rds:{self.destination}:{get_account_id()}:auto-backup:ab-{id_}"

    @property
    def window(self) -> tuple[datetime, datetime] | None:
        """The first and the last moment that can be restored, in whole milliseconds; None while there is none."""
        if self.base is None or self.latest is None:
            return None
        earliest, latest = (
            one.replace(microsecond=one.microsecond // 1000 * 1000) for one in (self.base.earliest, self.latest)
        )
        return (earliest + MILLISECOND, latest) if earliest < latest else None

    def begin(self, folder: Path) -> None:
        """Copy the data, and make the server archive its log."""
        if self.server is None:
            return
        with closing(self.server.admin()) as admin:
            self.archive = backups.begin_archive(admin)
            self.base = backups.take(admin, self.archive, folder / self.arn.rpartition(":")[2])
            time.sleep(2 * MILLISECOND.total_seconds())  # else the window could be empty
            self.go_on(admin)

    def go_on(self, admin: Any) -> None:
        """Archive what the server has written since, and take it over."""
        if self.base and self.archive:
            latest = backups.archive_until_now(admin, self.archive)
            self.base.collect(self.archive)
            self.latest = latest


class AutomatedBackups:
    """All replicated backups of all regions.

    Args:
        folder: of the copies.
    """

    def __init__(self, servers: Servers, folder: Path) -> None:
        self._servers, self._folder = servers, folder
        self._all: dict[tuple[str, str, str], Replicated] = {}  # by account, and the instance's region and resource id

    def register(self) -> None:
        """Answer what is replicated to the region of the request, and go on replicating."""
        rds._ACTION_MAP["DescribeDBInstanceAutomatedBackups"] = self.describe
        threading.Thread(target=self._go_on, daemon=True).start()

    def check(self, props: Properties) -> None:
        """Refuse a key that is not one of the other region, as for an encrypted instance it must be, and no backups.

        Raises:
            ValueError: it is none.
        """
        region = props.get("AutomaticBackupReplicationRegion")
        if not region:
            return
        if not is_key(str(props.get("AutomaticBackupReplicationKmsKeyId", "")), region):
            raise ValueError("Encrypted instances require a valid KMS key ID")
        if int(props.get("BackupRetentionPeriod", 1)) == 0:
            raise ValueError("Automated backups must be enabled on the source DB instance to replicate them.")

    def follow(self, instance: dict[str, Any], props: Properties) -> None:
        """Replicate an instance's backups as its template says."""
        region, key = (props.get(f"AutomaticBackupReplication{name}") for name in ("Region", "KmsKeyId"))
        place = (get_account_id(), get_region(), instance["DbiResourceId"])
        with self._servers.archiving:
            existing = self._all.get(place)
            if existing and (existing.destination, existing.key) == (region, key):
                return
            if existing:
                self._remove(place)
            if region:
                made = Replicated(instance, get_region(), region, str(key), self._servers.of_instance(instance))
                made.begin(self._folder)
                self._all[place] = made

    def forget(self, instance: dict[str, Any], *, is_retained: bool) -> None:
        """Keep or remove the backups of an instance that is deleted."""
        place = (get_account_id(), get_region(), instance["DbiResourceId"])
        with self._servers.archiving:
            if place in self._all and is_retained:
                self._all[place].status = "retained"
            elif place in self._all:
                self._remove(place)

    def find(self, arn: str) -> Replicated:
        """The backups of that ARN in the region of the request.

        Raises:
            ValueError: there are none.
        """
        for (account, *_), one in list(self._all.items()):
            if (one.arn, account, one.destination) == (arn, get_account_id(), get_region()):
                return one
        raise ValueError(f"DBInstanceAutomatedBackupNotFound: DBInstanceAutomatedBackup {arn} not found.")

    def is_archiving(self, server: Server) -> bool:
        """Whether the server archives for one of the backups."""
        return any(one.server == server and one.status == "active" for one in list(self._all.values()))

    def describe(self, parameters: Any) -> Any:
        asked = {
            key: rds._p(parameters, key)
            for key in ("DBInstanceIdentifier", "DbiResourceId", "DBInstanceAutomatedBackupsArn")
        }
        wanted = {key: value for key, value in asked.items() if value}
        listed = [
            facts
            for (account, *_), one in list(self._all.items())
            if (account, one.destination) == (get_account_id(), get_region())
            for facts in [described(one)]
            if wanted.items() <= facts.items()
        ]
        if not listed and "DBInstanceAutomatedBackupsArn" in wanted:
            text = f"DBInstanceAutomatedBackup {wanted['DBInstanceAutomatedBackupsArn']} not found."
            return rds._error("DBInstanceAutomatedBackupNotFound", text, 404)
        name, kind = "DescribeDBInstanceAutomatedBackups", "DBInstanceAutomatedBackup"
        members = "".join(
            f"<{kind}>{''.join(f'<{key}>{value}</{key}>' for key, value in facts.items())}</{kind}>" for facts in listed
        )
        return rds._xml(200, f"{name}Response", f"<{name}Result><{kind}s>{members}</{kind}s></{name}Result>")

    def _remove(self, place: tuple[str, str, str]) -> None:
        one = self._all.pop(place)
        if one.base:
            shutil.rmtree(one.base.folder)
        if one.server and not self.is_archiving(one.server):
            with closing(one.server.admin()) as admin:
                backups.end_archive(admin)

    def _go_on(self) -> None:
        """Take over what is archived, as long as the emulator runs; of a lost region nothing comes any more."""
        while True:
            time.sleep(ARCHIVE_SECONDS)
            for one in list(self._all.values()):
                if one.status == "active" and one.server and not self._servers.is_lost(one.region):
                    self._go_on_with(one, one.server)

    def _go_on_with(self, one: Replicated, server: Server) -> None:
        """Take over what is archived; a server that is down is tried again."""
        try:
            with closing(server.admin()) as admin:
                one.go_on(admin)
        except (OSError, DatabaseError, InterfaceError, backups.NotArchivedError) as error:
            log.warning("backups of %s are not replicated: %s", one.instance["DBInstanceIdentifier"], error)


def described(one: Replicated) -> dict[str, Any]:
    """What RDS says of replicated backups."""
    window = zip(("EarliestTime", "LatestTime"), one.window or (), strict=False)
    return {
        **{key: one.instance[key] for key in SHOWN},
        "Region": one.region,
        "Status": one.status if one.window else "creating",
        "Encrypted": "true",
        "KmsKeyId": one.key,
        "DBInstanceAutomatedBackupsArn": one.arn,
        "RestoreWindow": "".join(f"<{name}>{shown(moment)}</{name}>" for name, moment in window),
    }


def shown(moment: datetime) -> str:
    """A moment as RDS shows it, to the millisecond."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def is_key(arn: str, region: str) -> bool:
    """Whether it is the ARN of a key of that region that can be used."""
    prefix = f"arn:aws:kms:{region}:{get_account_id()}:key/"
    with request_scope(get_account_id(), region):
        key = kms._keys.get(arn.removeprefix(prefix)) if arn.startswith(prefix) else None
    return bool(key and key.get("KeyState", "Enabled") == "Enabled")
