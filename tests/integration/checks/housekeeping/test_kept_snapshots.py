"""Housekeeping deletes the snapshots that were taken before a major change, and no others."""

import pytest

from ops_lambdas.housekeeping import access
from tests.integration.checks.housekeeping.world import Aws, Housekeeping, deleted, refused, snapshots


def test_snapshots_are_deleted_when_their_last_day_is_over(aws: Aws, check: Housekeeping) -> None:
    aws.behaviours["DescribeDBSnapshots"] = [
        snapshots(old="2026-11-22", today="2026-11-23", odd="soon", later="2027-01-01")
    ]
    assert check.run()["snapshots_deleted"] == ["old"]
    asked = [parameters for operation, parameters in aws.requests if operation == "DeleteDBSnapshot"]
    assert [one["DBSnapshotIdentifier"] for one in asked] == ["old"]


def test_a_snapshot_that_is_in_use_is_kept(aws: Aws, check: Housekeeping) -> None:
    aws.behaviours["DescribeDBSnapshots"] = [snapshots(status="copying", old="2026-01-01")]
    assert check.run()["snapshots_deleted"] == []


def test_a_snapshot_that_another_run_has_deleted_is_no_failure(aws: Aws, check: Housekeeping) -> None:
    aws.behaviours["DescribeDBSnapshots"] = [snapshots(old="2026-01-01")]
    aws.behaviours["DeleteDBSnapshot"] = [refused("DBSnapshotNotFound", service="rds")]
    assert check.run()["state"] == "looked"


def test_a_snapshot_that_cannot_be_deleted_is_named_and_the_rest_published(aws: Aws, check: Housekeeping) -> None:
    aws.behaviours["DescribeDBSnapshots"] = [snapshots(old="2026-01-01")]
    aws.behaviours["DeleteDBSnapshot"] = [refused("AccessDenied", service="rds")]
    with pytest.raises(access.NotCheckedError, match=r"not checked: snapshot old: .*AccessDenied"):
        check.run()
    assert check.values["OldestSecretDays"] == 84


def test_a_snapshot_that_cannot_be_deleted_keeps_no_other(aws: Aws, check: Housekeeping) -> None:
    aws.behaviours["DescribeDBSnapshots"] = [snapshots(first="2026-01-01", second="2026-01-02")]
    aws.behaviours["DeleteDBSnapshot"] = [refused("AccessDenied", service="rds"), deleted("second")]
    with pytest.raises(access.NotCheckedError, match=r"not checked: snapshot first: [^;]*$"):
        check.run()
    asked = [parameters["DBSnapshotIdentifier"] for name, parameters in aws.requests if name == "DeleteDBSnapshot"]
    assert asked == ["first", "second"]
