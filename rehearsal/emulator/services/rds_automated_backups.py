"""RDS's automated backups that are replicated to another region: recorded there, some minutes old.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import kms, rds

from rehearsal.emulator.services.cloudformation_handler import Properties

AGE = timedelta(minutes=6)  # on AWS it is 5 to 30
# By account, the instance's own region and its name: the region of the copies, and what is known of them.
_replicated: dict[tuple[str, str, str], tuple[str, dict[str, Any]]] = {}


def register() -> None:
    """Answer what is replicated to the region of the request."""
    rds._ACTION_MAP["DescribeDBInstanceAutomatedBackups"] = describe


def check(props: Properties) -> None:
    """Refuse a key that is not one of the other region, as for an encrypted instance it must be.

    Raises:
        ValueError: it is none.
    """
    region, account = props.get("AutomaticBackupReplicationRegion"), get_account_id()
    key, prefix = str(props.get("AutomaticBackupReplicationKmsKeyId", "")), f"arn:aws:kms:{region}:{account}:key/"
    is_one = key.startswith(prefix) and (account, region, key.removeprefix(prefix)) in kms._keys._data
    if region and not is_one:
        raise ValueError("Encrypted instances require a valid KMS key ID")


def follow(instance: dict[str, Any], props: Properties) -> None:
    """Replicate an instance's backups as its template says."""
    name = instance["DBInstanceIdentifier"]
    place, region = (get_account_id(), get_region(), name), props.get("AutomaticBackupReplicationRegion")
    _replicated.pop(place, None)
    if region:
        known = {
            "DBInstanceArn": instance["DBInstanceArn"],
            "DbiResourceId": instance["DbiResourceId"],
            "Region": get_region(),
            "DBInstanceIdentifier": name,
            "KmsKeyId": props["AutomaticBackupReplicationKmsKeyId"],
            "Status": "active",
        }
        _replicated[place] = (region, known)


def describe(parameters: Any) -> Any:
    wanted = rds._p(parameters, "DBInstanceIdentifier")
    latest = datetime.now(UTC) - AGE
    listed = "".join(
        "<DBInstanceAutomatedBackup>"
        + "".join(f"<{key}>{value}</{key}>" for key, value in one.items())
        + f"<RestoreWindow><EarliestTime>{latest - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}</EarliestTime>"
        f"<LatestTime>{latest:%Y-%m-%dT%H:%M:%SZ}</LatestTime></RestoreWindow></DBInstanceAutomatedBackup>"
        for (account, _, name), (region, one) in _replicated.items()
        if (account, region) == (get_account_id(), get_region()) and wanted in ("", None, name)
    )
    name = "DescribeDBInstanceAutomatedBackups"
    result = f"<DBInstanceAutomatedBackups>{listed}</DBInstanceAutomatedBackups>"
    return rds._xml(200, f"{name}Response", f"<{name}Result>{result}</{name}Result>")
