"""The database: its state, the parameters that are in force, its backups."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from procedures.findings import Finding, State
from procedures.verify.deployed import Deployed

# RDS ships transaction logs every five minutes.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html
_MAX_RESTORABLE_AGE = timedelta(minutes=60)
_FORCE_TLS = "rds.force_ssl"


def instances(aws: Deployed) -> Iterator[Finding]:
    """Primary and replica are available, not public, encrypted, and have nothing pending."""
    client, names = aws.client("rds"), aws.names
    for name in (names.database, *((names.replica,) if aws.environment.has_replica else ())):
        (one,) = client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        faults = [
            text
            for text, is_fault in {
                f"is {one['DBInstanceStatus']}": one["DBInstanceStatus"] not in ("available", "backing-up"),
                "is public": one.get("PubliclyAccessible", False),
                "is not encrypted": not one.get("StorageEncrypted", False),
                "refuses IAM logins": not one.get("IAMDatabaseAuthenticationEnabled", False),
            }.items()
            if is_fault
        ]
        pending = ", ".join(one.get("PendingModifiedValues", {}))
        if faults:
            yield _finding(name, State.FAILS, ", ".join(faults), aws.compare("data"))
        elif pending:
            now = aws.cli(f"rds modify-db-instance --db-instance-identifier {name} --apply-immediately")
            mend = f"Waits for the maintenance window; at once: {now}"
            yield _finding(name, State.NOT_YET, f"pending: {pending}", mend)
        else:
            yield _finding(name, State.HOLDS, "available, private, encrypted")


def parameters(aws: Deployed) -> Iterator[Finding]:
    """The parameter group is in force, and with it TLS: PostgreSQL refuses plain connections.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
    """
    client, (group,) = aws.client("rds"), aws.database["DBParameterGroups"]
    name, status = group["DBParameterGroupName"], group["ParameterApplyStatus"]
    reboot = aws.cli(f"rds reboot-db-instance --db-instance-identifier {aws.names.database}")
    if status != "in-sync":
        yield _finding("parameters", State.FAILS, f"{name} is {status}: values wait for a restart", reboot)
    else:
        yield _finding("parameters", State.HOLDS, f"{name} is in force")
    pages = client.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=name)
    value = next(
        (
            one.get("ParameterValue")
            for page in pages
            for one in page["Parameters"]
            if one["ParameterName"] == _FORCE_TLS
        ),
        None,
    )
    if value == "1" and status == "in-sync":
        yield _finding("plain connections", State.HOLDS, f"are refused: {_FORCE_TLS} is 1")
    else:
        found = f"are not refused: {_FORCE_TLS} is {value or 'not set'} and {status}"
        yield _finding("plain connections", State.FAILS, found, f"{aws.compare('data')}\nThen {reboot}")


def backups(aws: Deployed) -> Iterator[Finding]:
    """Backups are kept as long as configured, and the latest restorable time is recent."""
    days, wanted = aws.database["BackupRetentionPeriod"], aws.environment.backup_days
    if days != wanted:
        found = f"kept for {days} days, {wanted} are configured"
        yield _finding("backups", State.FAILS, found, f"make deploy {aws.options} STACKS={aws.names.stack('data')}")
        return
    latest: Any = aws.database.get("LatestRestorableTime")
    if not latest:
        found = f"kept for {days} days; the first is not complete"
        yield _finding("backups", State.NOT_YET, found, f"make verify {aws.options}, in an hour")
        return
    age = max(aws.now - latest, timedelta())
    is_recent = age < _MAX_RESTORABLE_AGE
    found = f"kept for {days} days, restorable up to {age.total_seconds() // 60:.0f} minutes ago"
    mend = aws.cli(f"rds describe-events --source-type db-instance --source-identifier {aws.names.database}")
    yield _finding("backups", State.HOLDS if is_recent else State.FAILS, found, "" if is_recent else mend)


def _finding(subject: str, state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="database", subject=subject, state=state, found=found, mend=mend)
