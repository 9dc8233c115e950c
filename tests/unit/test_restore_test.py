"""Which record a backup is compared with, what is a mismatch, and what the daily look tells."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ops_lambdas.restore_test import email_text, watch
from ops_lambdas.restore_test.core import Job, compare, record_window
from ops_lambdas.restore_test.settings import restore_job
from ops_lambdas.restore_test.watch import Instance, leftovers, problems
from ops_lambdas.shared.bounds import MAX_BYTES
from ops_lambdas.shared.contents import Contents, TableContents
from ops_lambdas.shared.settings import InvalidSettingError

NOW = datetime(2026, 12, 2, 15, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RECORD = Contents(NOW - 8 * HOUR, NOW - 8 * HOUR, {"User": TableContents(3, ("c", "b"))})
JOB = Job(
    id="job-1",
    status="COMPLETED",
    message="",
    source_arn="arn",
    recovery_point_created=NOW - 7 * HOUR,
    created=NOW - HOUR,
    completed=NOW - 50 * MINUTE,
    resource="awsbackup-restore-test-1",
    validation="SUCCESSFUL",
)
LEFT = Instance("awsbackup-restore-test-1", "available", "ours", NOW - DAY)


def test_the_record_is_of_the_two_hours_that_end_ten_minutes_before_the_backup() -> None:
    created = datetime(2026, 12, 2, 0, 5, tzinfo=UTC)
    assert record_window(created) == (created - 130 * MINUTE, created - 10 * MINUTE)


@pytest.mark.parametrize(
    ("rows", "found", "beat", "failures"),
    [
        (3, "bc", RECORD.heartbeat, 0),
        (4, "abc", NOW, 0),
        (2, "bc", RECORD.heartbeat, 1),
        (3, "b", RECORD.heartbeat, 1),
        (3, "bc", NOW - 8 * HOUR - timedelta(microseconds=1), 1),
        (3, "bc", None, 1),
        (0, "", None, 3),
    ],
)
def test_rows_ids_and_heartbeat_must_be_there(rows: int, found: str, beat: datetime | None, failures: int) -> None:
    restored = Contents(NOW, beat, {"User": TableContents(rows, ())})
    verdict = compare(RECORD, restored, {"User": set(found)})
    assert len(verdict.failures) == failures
    assert verdict.status == ("FAILED" if failures else "SUCCESSFUL")


@pytest.mark.parametrize(("tables", "found"), [({}, {}), ({"Other": TableContents(9, ())}, {"Other": "bc"})])
def test_a_missing_table_is_named(tables: Mapping[str, TableContents], found: Mapping[str, Collection[str]]) -> None:
    assert compare(RECORD, replace(RECORD, tables=tables), found).failures == ("the table User is missing",)


def test_a_record_without_heartbeat_proves_nothing() -> None:
    """Nor does an empty database, which has its heartbeat alone."""
    without = replace(RECORD, heartbeat=None)
    assert compare(without, RECORD, {"User": "bc"}).failures == ("the record has no heartbeat",)
    empty = replace(RECORD, tables={})
    assert compare(empty, empty, {}).status == "SUCCESSFUL"


@pytest.mark.parametrize(
    ("instance", "is_left"),
    [
        (LEFT, True),
        (replace(LEFT, created=NOW - watch.MAX_INSTANCE_AGE), False),
        (replace(LEFT, created=NOW - watch.MAX_INSTANCE_AGE - MINUTE), True),
        (replace(LEFT, created=None), False),
        (replace(LEFT, subnet_group="of-others"), False),
        (replace(LEFT, identifier="pardon-production-database"), False),
    ],
)
def test_what_is_left_of_our_tests_alone_is_found(instance: Instance, *, is_left: bool) -> None:
    assert bool(leftovers([instance], "ours", NOW)) is is_left


def found(*jobs: Job, since: timedelta = 300 * DAY, record: datetime | None = NOW) -> list[str]:
    return list(problems(jobs, [], NOW - since, record, NOW))


def test_an_overdue_test_is_told_once_a_week() -> None:
    def successful(days: int) -> Job:
        return replace(JOB, completed=NOW - days * DAY)

    assert [days for days in range(60) if found(successful(days))] == [35, 42, 49, 56]
    assert [days for days in range(60) if found(since=days * DAY)] == [35, 42, 49, 56], "without any job"
    assert found(successful(34), successful(3)) == []
    failed = replace(successful(5), validation="FAILED")
    assert found(failed, successful(35)) == ["no restore test was SUCCESSFUL for 35 days"]


@pytest.mark.parametrize(
    ("hours", "validation", "status", "is_told"),
    [
        (2, "VALIDATING", "COMPLETED", False),
        (2.1, "VALIDATING", "COMPLETED", True),
        (47, "TIMED_OUT", "COMPLETED", True),
        (47, "", "COMPLETED", True),
        (48, "TIMED_OUT", "COMPLETED", False),
        (3, "SUCCESSFUL", "COMPLETED", False),
        (3, "FAILED", "COMPLETED", False),
        (3, "", "FAILED", False),  # its own event was emailed
    ],
)
def test_a_test_without_a_result_is_told(hours: float, validation: str, status: str, *, is_told: bool) -> None:
    job = replace(JOB, completed=NOW - hours * HOUR, validation=validation, status=status)
    assert bool(found(job, since=DAY)) is is_told


def test_missing_records_are_told_unless_they_have_only_begun() -> None:
    assert found(JOB, record=None) == ["what the database holds was not recorded for 3 hours"]
    assert found(JOB, record=None, since=3 * HOUR) == []


def test_emails_say_what_happened_and_what_to_do() -> None:
    verdict = compare(RECORD, Contents(NOW, None, {}), {})
    text = email_text.result(JOB, verdict, 0.4)
    assert "FAILED: the backup of 2026-12-02 08:00 UTC was restored in 10.0 minutes, and compared in 0.4." in text
    assert "  User: 3 rows then, none restored" in text
    assert "the restored heartbeat is missing, must be at least 2026-12-02 07:00:00 UTC" in text
    told = email_text.problems(["a problem"], [LEFT], "us-east-1")
    assert "delete-db-instance --db-instance-identifier awsbackup-restore-test-1 --skip-final-snapshot" in told
    assert len(email_text.failed_restore(replace(JOB, status="FAILED", message="x" * MAX_BYTES))) < 2000


@pytest.mark.parametrize(
    "event", [None, {}, [], {"source": "aws.backup", "detail-type": "Copy Job State Change"}, {"source": "aws.events"}]
)
def test_another_event_is_of_no_restore_job(event: object) -> None:
    assert restore_job(event) is None


@pytest.mark.parametrize("detail", [None, [], {}, {"restoreJobId": 7}, {"restoreJobId": "../other"}])
def test_a_restore_job_without_its_id_is_refused(detail: object) -> None:
    event = {"source": "aws.backup", "detail-type": "Restore Job State Change", "detail": detail}
    with pytest.raises(InvalidSettingError, match=r"detail\.restoreJobId must be the id of a restore job, got"):
        restore_job(event)
