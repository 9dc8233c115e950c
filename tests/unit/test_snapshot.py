"""Taking a snapshot before a major change: what RDS is asked, and what is refused before it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from config import PRODUCTION
from procedures.snapshot import SnapshotError, checked, main, take, wait

NOW = datetime(2026, 11, 23, 15, 4, tzinfo=UTC)
IDENTIFIER = "pardon-production-database-before-v2-20261123-150400"


@pytest.fixture
def rds() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client("rds", aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    with Stubber(client) as stubber:
        yield client, stubber


def test_it_is_named_and_described_and_says_its_last_day(rds: tuple[Any, Stubber]) -> None:
    client, stubber = rds
    tags = {"Project": "pardon", "Environment": "production", "Why": "v2 of the schema", "DeleteAfter": "2026-12-28"}
    asked = {
        "DBInstanceIdentifier": "pardon-production-database",
        "DBSnapshotIdentifier": IDENTIFIER,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    stubber.add_response("create_db_snapshot", {}, asked)
    assert take(client, PRODUCTION, "before-v2", "v2 of the schema", NOW) == IDENTIFIER


def test_what_rds_refuses_is_said(rds: tuple[Any, Stubber]) -> None:
    client, stubber = rds
    stubber.add_client_error("create_db_snapshot", "InvalidDBInstanceState", "it is being modified")
    with pytest.raises(SnapshotError, match=f"{IDENTIFIER} cannot be taken: it is being modified"):
        take(client, PRODUCTION, "before-v2", "v2", NOW)


def described(status: str, percent: int) -> dict[str, Any]:
    return {"DBSnapshots": [{"Status": status, "PercentProgress": percent, "AllocatedStorage": 20}]}


def test_it_is_waited_for_with_its_progress(rds: tuple[Any, Stubber]) -> None:
    client, stubber = rds
    for status, percent in (("creating", 0), ("creating", 40), ("available", 100)):
        stubber.add_response("describe_db_snapshots", described(status, percent), {"DBSnapshotIdentifier": IDENTIFIER})
    shown: list[str] = []
    assert wait(client, IDENTIFIER, shown.append, sleep=lambda _: None) == 20
    assert shown == [f"{IDENTIFIER}: 0 %", f"{IDENTIFIER}: 40 %"]


def test_one_that_failed_is_said(rds: tuple[Any, Stubber]) -> None:
    client, stubber = rds
    stubber.add_response("describe_db_snapshots", described("failed", 40))
    with pytest.raises(SnapshotError, match="is failed"):
        wait(client, IDENTIFIER, print)


@pytest.mark.parametrize("name", ["", "Before", "a--b", "-a", "a-", "a_b", "x" * 41])
def test_a_name_that_rds_refuses_is_refused_before_it(name: str) -> None:
    with pytest.raises(SnapshotError, match=r"^NAME must be 1 to 40 lower-case letters"):
        checked(name, "why")


@pytest.mark.parametrize("why", ["", "it's", "x" * 257, "a\nb"])
def test_a_reason_that_rds_refuses_is_refused_before_it(why: str) -> None:
    with pytest.raises(SnapshotError, match=r"^WHY must be 1 to 256 letters"):
        checked("before", why)


def test_a_bad_name_ends_the_command_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--environment", "production", "--name", "No"]) == 1
    assert "NAME must be" in capsys.readouterr().err
