"""Verify on the recovery region, and on the secrets that rotate."""

from datetime import timedelta
from typing import Any

import pytest

from config import DEVELOPMENT, PRODUCTION
from procedures.findings import State
from procedures.verify import copied_backups, rotating_secrets
from tests.unit.recorded_aws import CHANGED, RecordedDeployed, one

HOLDS, NOT_YET, FAILS = State.HOLDS, State.NOT_YET, State.FAILS
NOW = CHANGED + timedelta(days=1)
FUNCTION = f"arn:aws:lambda:us-east-1:{PRODUCTION.account}:function:pardon-production-rotation"


def test_without_copies_nothing_is_asked() -> None:
    assert list(copied_backups.replicated(RecordedDeployed(DEVELOPMENT, {}))) == []


@pytest.mark.parametrize(
    ("id_", "age", "created", "state", "found"),
    [
        ("db-1", timedelta(minutes=12), timedelta(days=1), HOLDS, "the database can be restored to 12 minutes ago"),
        ("db-1", timedelta(minutes=31), timedelta(days=1), FAILS, "the database can be restored to 31 minutes ago"),
        ("db-1", None, timedelta(hours=2), NOT_YET, "no automated backup is there"),
        ("db-1", None, timedelta(hours=4), FAILS, "no automated backup is there"),
        ("of-the-one-before", timedelta(minutes=1), timedelta(days=1), FAILS, "no automated backup is there"),
    ],
)
def test_replicated_backups_are_this_instance_s_and_recent(
    id_: str, age: timedelta | None, created: timedelta, state: State, found: str
) -> None:
    window = {"RestoreWindow": {"LatestTime": NOW - age}} if age else {}
    answers: dict[str, Any] = {
        "DescribeDBInstances": {"DBInstances": [{"DbiResourceId": "db-1", "InstanceCreateTime": NOW - created}]},
        "DescribeDBInstanceAutomatedBackups": {"DBInstanceAutomatedBackups": [{"DbiResourceId": id_, **window}]},
    }
    finding = one(copied_backups.replicated(RecordedDeployed(PRODUCTION, answers, now=NOW)))
    assert (finding.state, finding.found) == (state, found)


@pytest.mark.parametrize(
    ("dumps", "scheduled", "state", "found"),
    [
        ([timedelta(days=8), timedelta(days=15)], timedelta(days=30), HOLDS, "the newest is 8 days old"),
        ([timedelta(days=8, seconds=1)], timedelta(days=30), FAILS, "the newest is 8 days old"),
        ([], timedelta(days=7), NOT_YET, "there is none"),
        ([], timedelta(days=8), FAILS, "there is none"),
    ],
)
def test_a_dump_is_of_the_last_week(dumps: list[timedelta], scheduled: timedelta, state: State, found: str) -> None:
    objects = [
        {"Key": f"dumps/{age.days}/{name}", "LastModified": NOW - age} for age in dumps for name in ("rows.csv",)
    ]
    unfinished = {"Key": "dumps/now/database.dump", "LastModified": NOW}  # its row counts are not there
    answers: dict[str, Any] = {
        "DescribeStacks": {"Stacks": [{"Outputs": [{"OutputKey": "DumpBucket", "OutputValue": "dumps"}]}]},
        "ListObjectsV2": {"Contents": [*objects, unfinished]},
        "GetSchedule": {"CreationDate": NOW - scheduled},
    }
    finding = one(copied_backups.dumped(RecordedDeployed(PRODUCTION, answers, now=NOW)))
    assert (finding.state, finding.found) == (state, found)
    assert ("make dump ENV=production" in finding.mend) is (state is not HOLDS)


def test_without_a_weekly_dump_nothing_is_asked() -> None:
    assert list(copied_backups.dumped(RecordedDeployed(DEVELOPMENT, {}))) == []


ROTATED: dict[str, Any] = {
    "RotationEnabled": True,
    "RotationLambdaARN": FUNCTION,
    "LastRotatedDate": NOW - timedelta(days=3),
    "VersionIdsToStages": {"new": ["AWSCURRENT"], "old": ["AWSPREVIOUS"]},
}


@pytest.mark.parametrize(
    ("change", "state", "found"),
    [
        ({}, HOLDS, "last rotated on 2026-11-24"),
        ({"RotationEnabled": False}, FAILS, "is not rotated by pardon-production-rotation"),
        ({"RotationLambdaARN": f"{FUNCTION}-other"}, FAILS, "is not rotated by pardon-production-rotation"),
        ({"LastRotatedDate": NOW - timedelta(days=91)}, FAILS, "last rotated on 2026-08-28"),
        (
            {"VersionIdsToStages": {"a": ["AWSCURRENT"], "b": ["AWSPENDING"]}},
            FAILS,
            "a rotation has begun, not ended",
        ),
        ({"VersionIdsToStages": {"a": ["AWSCURRENT", "AWSPENDING"]}}, HOLDS, "last rotated on 2026-11-24"),
    ],
)
def test_secrets_rotate_in_time_and_to_the_end(change: dict[str, Any], state: State, found: str) -> None:
    answers = {"DescribeSecret": {**ROTATED, **change}}
    findings = list(rotating_secrets.secrets(RecordedDeployed(PRODUCTION, answers, now=NOW)))
    assert [one.subject for one in findings] == ["database-url", "database-password", "cron-secret", "agent-api-key"]
    assert {(one.state, one.found) for one in findings} == {(state, found)}


def test_only_the_application_s_login_has_to_have_rotated_at_once() -> None:
    never = {key: value for key, value in ROTATED.items() if key != "LastRotatedDate"}
    findings = rotating_secrets.secrets(RecordedDeployed(PRODUCTION, {"DescribeSecret": never}, now=NOW))
    states = {one.subject: one.state for one in findings}
    assert states == {
        "database-url": FAILS,
        **dict.fromkeys(["database-password", "cron-secret", "agent-api-key"], HOLDS),
    }
