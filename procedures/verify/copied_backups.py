"""The backups in the recovery region: how far they reach; and the last dump."""

from collections.abc import Iterator
from datetime import timedelta

from ops_lambdas.housekeeping.core import FIRST_COPY_MINUTES, MAX_RECOVERY_POINT_MINUTES
from procedures.findings import Finding, State
from procedures.verify.deployed import Deployed

_MAX_AGE, _FIRST_COPY = timedelta(minutes=MAX_RECOVERY_POINT_MINUTES), timedelta(minutes=FIRST_COPY_MINUTES)

_MAX_DUMP_AGE = timedelta(days=8)  # one a week, and a day to find out why it failed


def replicated(aws: Deployed) -> Iterator[Finding]:
    """RDS replicates the primary's automated backups there, and is not behind; a new database's first copy takes hours.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/AutomatedBackups.Replicating.Describe.html
    """
    if not aws.environment.copies_backups:
        return
    region, instance = aws.environment.recovery_region, aws.names.database
    subject, mend = f"automated backups in {region}", f"make check CHECK=housekeeping {aws.options}"
    answer = aws.client("rds", region).describe_db_instance_automated_backups(DBInstanceIdentifier=instance)
    times = [
        one["RestoreWindow"]["LatestTime"]
        for one in answer["DBInstanceAutomatedBackups"]
        if one["DbiResourceId"] == aws.database["DbiResourceId"] and one.get("RestoreWindow", {}).get("LatestTime")
    ]
    if not times:
        is_new = aws.now - aws.database["InstanceCreateTime"] < _FIRST_COPY
        yield _finding(subject, State.NOT_YET if is_new else State.FAILS, "no automated backup is there", mend)
        return
    minutes = round((aws.now - max(times)) / timedelta(minutes=1))
    state = State.HOLDS if aws.now - max(times) <= _MAX_AGE else State.FAILS
    yield _finding(subject, state, f"the database can be restored to {minutes} minutes ago", mend)


def dumped(aws: Deployed) -> Iterator[Finding]:
    """The newest dump, with the row counts that are uploaded last, is of the last week, where one is made each week."""
    if not aws.environment.dumps.is_weekly:
        return
    pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=aws.output("data", "DumpBucket"))
    objects = [one for page in pages for one in page.get("Contents", ())]
    times = [one["LastModified"] for one in objects if one["Key"].endswith("/rows.csv")]
    if times:
        age = aws.now - max(times)
        state, found = State.HOLDS if age <= _MAX_DUMP_AGE else State.FAILS, f"the newest is {age.days} days old"
    else:
        since = aws.client("scheduler").get_schedule(Name=aws.names.dump)["CreationDate"]
        state = State.NOT_YET if aws.now - since < _MAX_DUMP_AGE else State.FAILS
        found = "there is none"
    yield _finding("dumps", state, found, f"make dump {aws.options}")


def _finding(subject: str, state: State, found: str, mend: str) -> Finding:
    mend = "" if state is State.HOLDS else mend
    return Finding(area="backups", subject=subject, state=state, found=found, mend=mend)
