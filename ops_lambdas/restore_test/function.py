"""Restore test on AWS: EventBridge calls it when a restore for a test has ended, and each day."""

import os
import time
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.restore_test import access, core, email_text, restored, watch
from ops_lambdas.restore_test.core import Job, Verdict
from ops_lambdas.restore_test.settings import Settings, restore_job
from ops_lambdas.shared import backup_records, contents, topic
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.database import DatabaseError, reading
from ops_lambdas.shared.settings import NoOptions, from_environment, from_event

# Of the function's quarter of an hour: for the login, and for telling the result.
_LOGIN_SECONDS, _RESERVED_SECONDS = 480.0, 60.0
# A restored instance reads each block from S3 the first time.
_COUNT_SECONDS = 300.0

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Validate the restore job that an event is about; for a schedule, look whether tests run and leave nothing.

    Needs what the calls of `access` do, what `backup_records.newest` does, and `sns:Publish` on the topic with its key.

    Raises:
        InvalidSettingError: it cannot begin.
        RecordError, TopicError, BotoCoreError, ClientError: it could not be done; Lambda does it again.
    """
    config = from_environment(Settings, os.environ)
    job_id = restore_job(event)
    if job_id is None:
        from_event(NoOptions, event)
        result = _look(config)
    else:
        ends = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _RESERVED_SECONDS
        result = _validate(config, access.job(job_id), ends)
    logger.info("Restore test", extra={"result": result})
    return result


def _validate(config: Settings, job: Job, ends: float) -> dict[str, Any]:
    """Compare, email the result, and tell it to AWS Backup, which then deletes the instance.

    The email comes first: a run that was killed between the two sends it again, instead of never.
    """
    result = {"environment": config.environment, "job": job.id}
    if job.source_arn != config.database_arn:
        return {**result, "state": "of another database"}
    if job.status in ("FAILED", "ABORTED"):
        _email(config, job.status, email_text.failed_restore(job))
        return {**result, "state": job.status, "reason": job.message}
    if job.status != "COMPLETED" or job.validation in core.FINAL:
        return {**result, "state": "validated before" if job.validation in core.FINAL else "not completed"}
    began = time.monotonic()
    verdict = _verdict(config, job, ends)
    minutes = round((time.monotonic() - began) / 60, 1)
    if access.job(job.id).validation in core.FINAL:  # a run beside this one
        return {**result, "state": "validated before"}
    _email(config, verdict.status, email_text.result(job, verdict, minutes))
    summary = "; ".join(verdict.failures) or "it holds what was recorded before its backup"
    access.put_result(job.id, verdict.status, f"restored in {job.minutes} minutes, compared in {minutes}: {summary}")
    return {
        **result,
        "state": verdict.status,
        "failures": list(verdict.failures),
        "restore_minutes": job.minutes,
        "validation_minutes": minutes,
        "rows": [list(one) for one in core.rows_compared(verdict)],
    }


def _verdict(config: Settings, job: Job, ends: float) -> Verdict:
    after, before = core.record_window(job.recovery_point_created)
    record = backup_records.newest(config.record_bucket, after=after, before=before)
    if record is None:
        return Verdict((f"nothing was recorded from {after:%Y-%m-%d %H:%M} to {before:%H:%M} UTC to compare with",))
    try:
        login = restored.log_in(job.resource, config.database_name, until=min(ends, time.monotonic() + _LOGIN_SECONDS))
        with reading(
            login,
            application_name=restored.APPLICATION_NAME,
            statement_timeout_seconds=_COUNT_SECONDS,
            seconds=max(ends - time.monotonic(), 1),
        ) as reader:
            there = contents.measured(reader)
            tables = there.tables.keys() & record.tables.keys()
            found = {name: contents.present(reader, name, record.tables[name].newest) for name in tables}
    except (restored.RestoredError, DatabaseError) as error:
        return Verdict((str(error),), record)
    return core.compare(record, there, found)


def _look(config: Settings) -> dict[str, Any]:
    """Email what is left of tests, and what did not run."""
    now = _now()
    left = watch.leftovers(access.instances(), config.subnet_group, now)
    record = backup_records.newest(config.record_bucket, after=now - watch.MAX_RECORD_AGE, before=now)
    found = list(
        watch.problems(
            access.jobs(config.plan_arn, now),
            left,
            access.plan_created(config.plan_name),
            record.taken_at if record else None,
            now,
        )
    )
    if found:
        _email(config, "needs a look", email_text.problems(found, left, config.topic_arn.split(":")[3]))
    return {"environment": config.environment, "state": "told" if found else "nothing to tell", "problems": found}


def _email(config: Settings, state: str, text: str) -> None:
    topic.send(config.topic_arn, subject=email_text.subject(config.environment, state), text=text)


def _now() -> datetime:
    return datetime.now(UTC)
