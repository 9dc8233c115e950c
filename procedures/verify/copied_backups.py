"""The backups in the recovery region: how far they reach."""

from collections.abc import Iterator
from datetime import timedelta

from ops_lambdas.housekeeping.core import FIRST_COPY_MINUTES, MAX_RECOVERY_POINT_MINUTES
from procedures.findings import Finding, State
from procedures.verify.deployed import Deployed

_MAX_AGE, _FIRST_COPY = timedelta(minutes=MAX_RECOVERY_POINT_MINUTES), timedelta(minutes=FIRST_COPY_MINUTES)


def replicated(aws: Deployed) -> Iterator[Finding]:
    """RDS replicates the primary's automated backups there, and is not behind; a new database's first copy takes hours.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/AutomatedBackups.Replicating.Describe.html
    """
    if not aws.environment.copies_backups:
        return
    region, instance = aws.environment.recovery_region, aws.names.database
    answer = aws.client("rds", region).describe_db_instance_automated_backups(DBInstanceIdentifier=instance)
    times = [
        one["RestoreWindow"]["LatestTime"]
        for one in answer["DBInstanceAutomatedBackups"]
        if one["DbiResourceId"] == aws.database["DbiResourceId"] and one.get("RestoreWindow", {}).get("LatestTime")
    ]
    if not times:
        is_new = aws.now - aws.database["InstanceCreateTime"] < _FIRST_COPY
        yield _finding(region, State.NOT_YET if is_new else State.FAILS, "no automated backup is there", aws)
        return
    minutes = round((aws.now - max(times)) / timedelta(minutes=1))
    state = State.HOLDS if aws.now - max(times) <= _MAX_AGE else State.FAILS
    yield _finding(region, state, f"the database can be restored to {minutes} minutes ago", aws)


def _finding(region: str, state: State, found: str, aws: Deployed) -> Finding:
    mend = "" if state is State.HOLDS else f"make check CHECK=housekeeping {aws.options}"
    return Finding(area="backups", subject=f"automated backups in {region}", state=state, found=found, mend=mend)
