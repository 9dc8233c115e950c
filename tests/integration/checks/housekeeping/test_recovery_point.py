"""How old the database's backups are in the recovery region."""

from datetime import timedelta

import pytest

from tests.integration.checks.housekeeping.world import (
    DATABASE,
    NOW,
    Aws,
    Housekeeping,
    instance,
    instances,
    refused,
    xml,
)
from tests.integration.checks.servers import Behaviour


def replicated(*ages: timedelta | None) -> Behaviour:
    """RDS's answer: backups in the recovery region, each with its latest restorable time, or none yet."""
    windows = (
        f"<RestoreWindow><LatestTime>{NOW - age:%Y-%m-%dT%H:%M:%SZ}</LatestTime></RestoreWindow>" if age else ""
        for age in ages
    )
    listed = "".join(f"<DBInstanceAutomatedBackup>{one}</DBInstanceAutomatedBackup>" for one in windows)
    result = f"<DBInstanceAutomatedBackups>{listed}</DBInstanceAutomatedBackups>"
    name = "DescribeDBInstanceAutomatedBackups"
    return xml("rds", f"{name}Response", f"<{name}Result>{result}</{name}Result>")


@pytest.fixture(autouse=True)
def _recovery_region(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - which sets it, too
    monkeypatch.setenv("RECOVERY_REGION", "us-west-2")


def test_newest_replicated_backup_is_the_recovery_point(aws: Aws, check: Housekeeping) -> None:
    ages = (timedelta(days=2), timedelta(minutes=7), None)
    aws.behaviours["DescribeDBInstanceAutomatedBackups"] = [replicated(*ages)]
    assert check.run()["recovery_point"] == {"region": "us-west-2", "exists": True, "minutes_ago": 7.0}
    assert check.values["RecoveryPointMinutesAgo"] == 7
    asked = [parameters for name, parameters in aws.requests if name == "DescribeDBInstanceAutomatedBackups"]
    assert [one["DBInstanceIdentifier"] for one in asked] == [DATABASE]


@pytest.mark.parametrize(
    "nothing", [replicated(), refused("DBInstanceAutomatedBackupNotFound", service="rds")], ids=["empty", "not found"]
)
def test_without_one_it_counts_from_the_creation_once_a_copy_should_be_there(
    aws: Aws, check: Housekeeping, nothing: Behaviour
) -> None:
    aws.behaviours["DescribeDBInstanceAutomatedBackups"] = [nothing]
    aws.behaviours["DescribeDBInstances"] = [instances(instance(created=timedelta(hours=2)))]
    assert check.run()["recovery_point"] == {"region": "us-west-2", "exists": False, "minutes_ago": 120.0}
    assert "RecoveryPointMinutesAgo" not in check.values
    aws.behaviours["DescribeDBInstances"] = [instances(instance(created=timedelta(hours=4)))]
    check.run()
    assert check.values["RecoveryPointMinutesAgo"] == 240


def test_when_the_other_region_cannot_be_asked_the_rest_is_published(aws: Aws, check: Housekeeping) -> None:
    aws.behaviours["DescribeDBInstanceAutomatedBackups"] = [refused("AccessDenied", service="rds")]
    result = check.fails("backups in us-west-2: .*AccessDenied")
    assert result["recovery_point"] is None
    assert result["backup"]["status"] == "available"
    assert "OldestSecretDays" in check.values
    assert "RecoveryPointMinutesAgo" not in check.values
