"""Whether tests run, and nothing is left of them. Values in, values out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ops_lambdas.restore_test.core import FINAL, RESTORED_PREFIX, Job

# The plan is monthly, and a month has 31 days.
MAX_DAYS = 35
_TOLD_EVERY_DAYS = 7
# AWS Backup deletes an instance when it has a result, or VALIDATION_HOURS after its restore; RDS takes some minutes.
VALIDATION_HOURS = 2
MAX_INSTANCE_AGE = timedelta(hours=VALIDATION_HOURS + 4)
# A job that was not validated is told by the next one or two runs, which are daily.
_TOLD_FOR = timedelta(days=2)
MAX_RECORD_AGE = timedelta(hours=3)


@dataclass(frozen=True)
class Instance:
    """A DB instance; `created` is None while it is being created."""

    identifier: str
    status: str
    subnet_group: str
    created: datetime | None


def leftovers(instances: Iterable[Instance], subnet_group: str, now: datetime) -> list[Instance]:
    """Return restored instances of this environment that should have been deleted."""
    return [
        one
        for one in instances
        if one.identifier.startswith(RESTORED_PREFIX)
        and one.subnet_group == subnet_group
        and one.created is not None
        and now - one.created > MAX_INSTANCE_AGE
    ]


def problems(
    jobs: Sequence[Job], left: Iterable[Instance], plan_created: datetime, last_record: datetime | None, now: datetime
) -> Iterator[str]:
    """Return what has to be told today, a sentence each.

    Args:
        jobs: of the plan, of at least MAX_DAYS.
        left: what `leftovers` found.
        last_record: None without one within MAX_RECORD_AGE.
    """
    for one in left:
        yield f"{one.identifier} ({one.status}) was restored at {one.created:%Y-%m-%d %H:%M} UTC and is still there"
    for job in jobs:
        age = now - (job.completed or job.created)
        is_recent = timedelta(hours=VALIDATION_HOURS) < age < _TOLD_FOR
        if is_recent and job.status == "COMPLETED" and job.validation not in FINAL:
            yield f"restore job {job.id} has no result: {job.validation or 'nothing validated it'}"
    days = _days_since_success(jobs, plan_created, now)
    if days >= MAX_DAYS and (days - MAX_DAYS) % _TOLD_EVERY_DAYS == 0:
        yield f"no restore test was SUCCESSFUL for {days} days"
    if last_record is None and now - plan_created > MAX_RECORD_AGE:
        yield f"what the database holds was not recorded for {MAX_RECORD_AGE // timedelta(hours=1)} hours"


def _days_since_success(jobs: Iterable[Job], plan_created: datetime, now: datetime) -> int:
    """Days since the last test with that result; before the first, since the plan was created."""
    last = max((one.completed for one in jobs if one.validation == "SUCCESSFUL" and one.completed), default=None)
    return (now - (last or plan_created)).days
