"""A recovery: what the database may be restored from, what is refused, and what it does not know afterwards."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from config import PRODUCTION, REHEARSAL
from procedures.recover import places, source
from procedures.recover.__main__ import main
from procedures.recover.moved_name import move
from procedures.recover.places import Other
from procedures.recover.plan import Plan
from procedures.recover.source import RecoveryError, Source
from procedures.recover.unknown import unknown

THERE = replace(PRODUCTION, region="us-west-2")
DATABASE = "pardon-production-database"
BACKUP = "arn:aws:rds:us-west-2:640080112933:auto-backup:ab-example"
SNAPSHOT = "arn:aws:rds:us-west-2:640080112933:snapshot:awsbackup:copyjob-example"
EARLIEST, LATEST = (datetime(2026, 11, day, 3, tzinfo=UTC) for day in (21, 28))


@pytest.fixture
def rds() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client("rds", aws_access_key_id="test", aws_secret_access_key="test", region_name="us-west-2")
    with Stubber(client) as stubber:
        yield client, stubber


def backups(*regions: str) -> dict[str, Any]:
    window = {"EarliestTime": EARLIEST, "LatestTime": LATEST}
    return {
        "DBInstanceAutomatedBackups": [
            {"DBInstanceAutomatedBackupsArn": BACKUP, "Region": region, "RestoreWindow": window} for region in regions
        ]
    }


@pytest.mark.parametrize("at", [None, EARLIEST, LATEST, LATEST - timedelta(seconds=1)])
def test_backups_are_restored_at_any_time_of_their_window(rds: tuple[Any, Stubber], at: datetime | None) -> None:
    client, stubber = rds
    stubber.add_response(
        "describe_db_instance_automated_backups", backups("us-west-2", "us-east-1"), {"DBInstanceIdentifier": DATABASE}
    )
    found = source.from_backups(client, THERE, at)
    assert found == Source(backup=BACKUP, point=at or LATEST)
    assert found.parameters == {
        "snapshot": "none",
        "backup": BACKUP,
        "time": f"{at or LATEST:%Y-%m-%dT%H:%M:%SZ}",
    }


@pytest.mark.parametrize("at", [EARLIEST - timedelta(seconds=1), LATEST + timedelta(seconds=1)])
def test_time_outside_of_the_window_is_refused_with_the_window(rds: tuple[Any, Stubber], at: datetime) -> None:
    client, stubber = rds
    stubber.add_response("describe_db_instance_automated_backups", backups("us-east-1"))
    with pytest.raises(RecoveryError, match=r"AT must be from 2026-11-21T03:00:00Z to 2026-11-28T03:00:00Z, .* got "):
        source.from_backups(client, THERE, at)


def test_own_backups_are_not_the_home_region_s(rds: tuple[Any, Stubber]) -> None:
    client, stubber = rds
    stubber.add_response("describe_db_instance_automated_backups", backups("us-west-2"))
    with pytest.raises(RecoveryError, match="no backups of pardon-production-database from us-east-1 in us-west-2"):
        source.from_backups(client, THERE, None)


def test_snapshot_holds_what_was_committed_when_it_was_taken_first(rds: tuple[Any, Stubber]) -> None:
    client, stubber = rds
    described = {
        "DBSnapshotArn": SNAPSHOT,
        "DBInstanceIdentifier": DATABASE,
        "Status": "available",
        "SnapshotCreateTime": LATEST,
        "OriginalSnapshotCreateTime": EARLIEST,
    }
    stubber.add_response("describe_db_snapshots", {"DBSnapshots": [described]}, {"DBSnapshotIdentifier": SNAPSHOT})
    found = source.from_snapshot(client, THERE, SNAPSHOT)
    assert found.point == EARLIEST
    assert found.parameters == {"snapshot": SNAPSHOT, "backup": "none", "time": "none"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Status": "creating"}, "that is creating"),
        ({"DBInstanceIdentifier": "pardon-staging-database"}, "got one of pardon-staging-database"),
        (None, "must be the ARN of a snapshot in us-west-2, got 'arn:.*example'"),
    ],
)
def test_snapshot_that_cannot_be_restored_is_refused(
    rds: tuple[Any, Stubber], changed: dict[str, str] | None, message: str
) -> None:
    client, stubber = rds
    if changed is None:
        stubber.add_client_error("describe_db_snapshots", "DBSnapshotNotFound")
    else:
        described = {"DBSnapshotArn": SNAPSHOT, "DBInstanceIdentifier": DATABASE, "Status": "available", **changed}
        stubber.add_response("describe_db_snapshots", {"DBSnapshots": [described]})
    with pytest.raises(RecoveryError, match=message):
        source.from_snapshot(client, THERE, SNAPSHOT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-11-28T03:00:00Z", LATEST), ("2026-11-28T04:00:00.5+01:00", LATEST)],
)
def test_time_is_taken_in_any_zone(text: str, expected: datetime) -> None:
    assert source.moment(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-28", "2026-11-28T03:00:00", "28.11.2026 03:00Z"])
def test_time_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(RecoveryError, match=f"AT must be a time with its zone, .* got '{text}'"):
        source.moment(text)


def test_region_without_the_parameters_is_not_in_standby() -> None:
    ssm = boto3.client("ssm", aws_access_key_id="test", aws_secret_access_key="test", region_name="us-west-2")
    found = {"Name": "/pardon-production/database-origin/time", "Value": "none"}
    with Stubber(ssm) as stubber:
        stubber.add_response("get_parameters", {"Parameters": [found]})
        with pytest.raises(RecoveryError, match="us-west-2 is not in standby; run: make standby ENV=production"):
            source.kept(ssm, THERE)


@pytest.mark.parametrize(("targets", "serves"), [(None, False), (0, False), (1, True)])
def test_second_application_beside_one_that_serves_is_refused_unless_insisted_on(
    targets: int | None, serves: bool
) -> None:
    other = Other(targets=targets, found="the home region")
    planned = Plan(chosen=THERE, other=other, source=None, has_database=False, is_move=False, kept={})
    replace(planned, is_move=True).refuse_two(is_insisted=False)
    planned.refuse_two(is_insisted=True)
    if serves:
        with pytest.raises(RecoveryError, match="users would be divided between two databases"):
            planned.refuse_two(is_insisted=False)
    else:
        planned.refuse_two(is_insisted=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--region", "eu-west-1"], "REGION must be us-west-2 or us-east-1"),
        (["--region", "nowhere"], "region must be one of"),
        (["--region", "us-west-2", "--at", "noon"], "AT must be a time with its zone"),
    ],
)
def test_wrong_place_or_time_is_refused_before_aws_is_asked(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--environment", "production", *arguments]) == 1
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_environment_without_recovery_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--environment", "staging", "--region", "us-west-2"]) == 1
    assert "with recovery 'none'" in capsys.readouterr().err.replace("\n", " ")


MONDAY = datetime(2026, 11, 23, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (MONDAY - timedelta(minutes=1), "after the recovery point"),
        (MONDAY, "after the recovery point"),
        (MONDAY + timedelta(seconds=1), "before the recovery point: nothing to do"),
    ],
)
def test_weekly_reset_after_the_recovery_point_is_named(point: datetime, expected: str) -> None:
    found = dict(unknown(THERE, point, MONDAY + timedelta(days=2)))
    assert expected in found["Weekly reset"]
    assert found.keys() == {"Payments", "Prizes", "Weekly reset", "Conversations"}
    assert f"since {point:%Y-%m-%d %H:%M:%S} UTC" in found["Payments"]


def test_who_moves_the_name_depends_on_the_configuration() -> None:
    there = replace(REHEARSAL, region="us-west-2")
    assert "Route 53 moves pardon.example.com once no target in us-east-1" in move(there)
    assert "by a change of its record" in move(replace(there, standby_load_balancer=False))
    assert "where its DNS is" in move(THERE)
    assert "load balancer's own name" in move(replace(THERE, domain=None))


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (None, False),
        ({"MultiAZ": False}, False),
        ({"MultiAZ": False, "PendingModifiedValues": {"AllocatedStorage": 40}}, False),
        ({"MultiAZ": True}, True),
        ({"MultiAZ": False, "PendingModifiedValues": {"MultiAZ": True}}, True),
        ({"MultiAZ": False, "ReadReplicaDBInstanceIdentifiers": ["pardon-production-database-replica"]}, True),
    ],
)
def test_second_zone_or_replica_that_is_there_or_being_made_is_not_taken_away(
    rds: tuple[Any, Stubber], described: dict[str, Any] | None, expected: bool
) -> None:
    client, stubber = rds
    if described is None:
        stubber.add_client_error("describe_db_instances", "DBInstanceNotFound")
    else:
        stubber.add_response("describe_db_instances", {"DBInstances": [described]}, {"DBInstanceIdentifier": DATABASE})
    assert places.has_second_database(client, THERE) is expected
