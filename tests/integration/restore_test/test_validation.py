"""A restored database against the record: results, emails, and what goes wrong."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops_lambdas.restore_test import function, restored
from ops_lambdas.restore_test.function import handler
from ops_lambdas.shared.settings import InvalidSettingError
from ops_lambdas.shared.topic import TopicError
from tests.integration.checks.conftest import CONTEXT
from tests.integration.restore_test.world import EVENT, JOB, RESTORED, SUBNETS, World, restore_job, seconds


def validate() -> dict[str, Any]:
    return dict(handler(EVENT, CONTEXT))


def test_a_restored_backup_that_holds_the_record_is_successful(world: World) -> None:
    """Its master user acts as another role, and its password is another since: a new one is set."""
    result = validate()
    assert (result["state"], result["failures"], result["restore_minutes"]) == ("SUCCESSFUL", [], 9.5)
    assert {name: recorded == restored > 0 for name, recorded, restored in result["rows"]} == dict.fromkeys(
        ("Message", "Session", "Thread", "User"), True
    )
    ((instance, _),) = world.aws.passwords
    assert instance == RESTORED
    (told,) = world.aws.results
    assert told["ValidationStatus"] == "SUCCESSFUL"
    assert "restored in 9.5 minutes" in told["ValidationStatusMessage"]
    ((subject, text),) = world.aws.emails
    assert subject == "Restore test SUCCESSFUL: pardon-rehearsal"
    assert "was restored in 9.5 minutes" in text
    assert all(f"  {name}: " in text for name in ("Message", "Session", "Thread", "User"))


def test_rows_written_after_the_record_are_no_failure(world: World) -> None:
    world.run("""INSERT INTO "User" ("id", "walletAddress", "username") VALUES ('later', 'wallet', 'name')""")
    assert validate()["state"] == "SUCCESSFUL"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("""DELETE FROM "Message" WHERE id = (SELECT min(id) FROM "Message")""", "Message has "),
        ("""UPDATE "Message" SET id = id || '-x'""", "Message lacks "),
        ('DROP TABLE "Message"', "the table Message is missing"),
        ("UPDATE operations.heartbeat SET beat_at = beat_at - interval '1 hour'", "the restored heartbeat is 20"),
        ("UPDATE operations.heartbeat SET beat_at = NULL", "the restored heartbeat is missing"),
        ("DROP SCHEMA operations CASCADE", 'relation "operations.heartbeat" does not exist'),
    ],
)
def test_what_the_record_has_and_the_backup_does_not_is_a_failure(world: World, damage: str, reason: str) -> None:
    world.run(damage)
    result = validate()
    assert result["state"] == "FAILED"
    assert any(reason in one for one in result["failures"]), result["failures"]
    assert world.aws.results[0]["ValidationStatus"] == "FAILED"
    ((subject, text),) = world.aws.emails
    assert subject == "Restore test FAILED: pardon-rehearsal"
    assert reason in text
    assert f"aws backup describe-restore-job --restore-job-id {JOB}" in text


@pytest.mark.parametrize("hours", [-1, 3])
def test_without_a_record_of_that_hour_it_is_a_failure_and_nothing_is_changed(world: World, hours: int) -> None:
    world.aws.job = restore_job(datetime.now(UTC) + timedelta(hours=hours))
    result = validate()
    assert result["state"] == "FAILED"
    assert "nothing was recorded from" in result["failures"][0]
    assert world.aws.passwords == []


def test_an_instance_that_no_test_restored_keeps_its_password(world: World) -> None:
    world.aws.job["CreatedResourceArn"] = "arn:aws:rds:us-east-1:000000000000:db:pardon-rehearsal-database"
    result = validate()
    assert result["state"] == "FAILED"
    assert "must have a name that begins with awsbackup-restore-test-" in result["failures"][0]
    assert world.aws.passwords == []


def test_another_runs_password_is_replaced(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restored, "_TRY_SECONDS", 0.3)
    world.aws.ignored_passwords = 1
    assert validate()["state"] == "SUCCESSFUL"
    assert len(world.aws.passwords) == 2


@pytest.mark.parametrize("status", ["creating", "available"])
def test_an_instance_that_cannot_be_logged_in_to_is_a_failure(
    world: World, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setattr(function, "_LOGIN_SECONDS", 1.0)
    world.aws.status, world.aws.ignored_passwords = status, 1000
    result = validate()
    assert result["state"] == "FAILED"
    assert "cannot be logged in to" in result["failures"][0]
    assert ("28P01" in result["failures"][0]) is (status == "available")


def test_a_second_call_for_the_same_job_does_nothing(world: World) -> None:
    assert validate()["state"] == "SUCCESSFUL"
    assert validate()["state"] == "validated before"
    assert (len(world.aws.passwords), len(world.aws.emails), len(world.aws.results)) == (1, 1, 1)


@pytest.mark.parametrize(("operation", "error"), [("Publish", TopicError), ("PutRestoreValidationResult", ClientError)])
def test_what_could_not_be_told_is_told_by_the_next_try(world: World, operation: str, error: type[Exception]) -> None:
    world.aws.refuses.add(operation)
    with pytest.raises(error):
        validate()
    assert world.aws.results == []
    world.aws.refuses.clear()
    assert validate()["state"] == "SUCCESSFUL"
    assert len(world.aws.emails) == (1 if operation == "Publish" else 2)


def test_a_run_beside_another_tells_nothing_after_the_other_has(world: World) -> None:
    world.aws.is_raced = True
    assert validate()["state"] == "validated before"
    assert (len(world.aws.passwords), world.aws.emails, world.aws.results) == (1, [], [])


def test_a_restore_that_failed_is_emailed_with_its_reason(world: World) -> None:
    message = "Access denied to KMS key"
    world.aws.job |= {"Status": "FAILED", "StatusMessage": message, "CreatedResourceArn": ""}
    assert validate()["state"] == "FAILED"
    ((subject, text),) = world.aws.emails
    assert (subject, message in text) == ("Restore test FAILED: pardon-rehearsal", True)
    assert (world.aws.passwords, world.aws.results) == ([], [])


def test_a_job_of_another_database_is_left_alone(world: World) -> None:
    world.aws.job["SourceResourceArn"] = "arn:aws:rds:us-east-1:000000000000:db:of-others"
    assert validate()["state"] == "of another database"
    assert (world.aws.passwords, world.aws.emails, world.aws.results) == ([], [], [])


@pytest.mark.usefixtures("world")
def test_an_event_without_a_job_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match=r"detail.restoreJobId must be the id of a restore job, got '\*'"):
        handler({**EVENT, "detail": {"restoreJobId": "*"}}, CONTEXT)


def test_the_daily_look_tells_of_leftovers_and_says_nothing_otherwise(world: World) -> None:
    now = datetime.now(UTC)
    world.aws.plan_created = now - timedelta(days=3)
    recent, old = now - timedelta(hours=1), now - timedelta(hours=7)
    world.aws.instances = {
        "pardon-rehearsal-database": ("available", "other", old),
        RESTORED: ("available", SUBNETS, recent),
        "awsbackup-restore-test-of-others": ("available", "others", old),
    }
    assert handler({}, CONTEXT)["state"] == "nothing to tell"
    world.aws.instances["awsbackup-restore-test-left"] = ("deleting", SUBNETS, old)
    job = restore_job(now, CreationDate=seconds(old), CompletionDate=seconds(now - timedelta(hours=5)))
    world.aws.jobs = [job]
    result = handler({}, CONTEXT)
    assert [one.partition(" ")[0] for one in result["problems"]] == ["awsbackup-restore-test-left", "restore"]
    ((subject, text),) = world.aws.emails
    assert subject == "Restore test needs a look: pardon-rehearsal"
    assert "aws rds delete-db-instance --db-instance-identifier awsbackup-restore-test-left" in text
    assert json.dumps(result).count(JOB) == 1
