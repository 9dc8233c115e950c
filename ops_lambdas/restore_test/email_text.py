"""Emails about restore tests. Values in, values out."""

from collections.abc import Sequence

from ops_lambdas.restore_test.core import Job, Verdict, rows_compared
from ops_lambdas.restore_test.watch import Instance
from ops_lambdas.shared.bounds import cut

_RUNBOOK = "Runbook: Backup Strategy"


def subject(environment: str, state: str) -> str:
    """Return the subject of an email, e.g. for "FAILED"."""
    return f"Restore test {state}: pardon-{environment}"


def result(job: Job, verdict: Verdict, validation_minutes: float) -> str:
    """Return the text for a test with a result."""
    lines = [
        f"{verdict.status}: the backup of {job.recovery_point_created:%Y-%m-%d %H:%M} UTC was restored in "
        f"{job.minutes} minutes, and compared in {validation_minutes}.",
        *verdict.failures,
    ]
    if verdict.record:
        lines.append(f"Compared with what the database held at {verdict.record.taken_at:%Y-%m-%d %H:%M} UTC:")
    lines += [
        f"  {name}: {recorded} rows then, {'none' if restored is None else restored} restored"
        for name, recorded, restored in rows_compared(verdict)
    ]
    if verdict.failures:
        lines += _next(job.id, "Until a test succeeds, do not rely on these backups.")
    return _joined(lines)


def failed_restore(job: Job) -> str:
    """Return the text for a restore that AWS Backup did not finish."""
    restored = f"the backup of {job.recovery_point_created:%Y-%m-%d %H:%M} UTC was not restored"
    return _joined(
        [
            f"{job.status}: {restored}: {cut(job.message or 'AWS Backup gives no reason', 1000)}.",
            *_next(job.id, "Until a test succeeds, do not rely on these backups."),
        ]
    )


def problems(found: Sequence[str], left: Sequence[Instance], region: str) -> str:
    """Return the text for what the daily look found."""
    commands = [
        f"aws rds delete-db-instance --db-instance-identifier {one.identifier} --skip-final-snapshot "
        f"--delete-automated-backups --region {region}"
        for one in left
    ]
    listing = f"aws backup list-restore-jobs --by-resource-type RDS --region {region}"
    return _joined([*found, "Next:", *commands, listing, _RUNBOOK])


def _next(job: str, advice: str) -> list[str]:
    return [advice, "Next:", f"aws backup describe-restore-job --restore-job-id {job}", _RUNBOOK]


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
