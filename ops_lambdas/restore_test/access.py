"""AWS calls of restore test."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

from ops_lambdas.restore_test.core import Job
from ops_lambdas.restore_test.watch import MAX_DAYS, Instance
from ops_lambdas.shared.bounds import cut

_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
_MAX_MESSAGE = 1000


def job(job_id: str) -> Job:
    """Describe a restore job; needs `backup:DescribeRestoreJob`."""
    return _job(_backup().describe_restore_job(RestoreJobId=job_id))


def put_result(job_id: str, status: str, message: str) -> None:
    """Tell AWS Backup the result, after which it deletes the instance; needs `backup:PutRestoreValidationResult`."""
    _backup().put_restore_validation_result(
        RestoreJobId=job_id, ValidationStatus=status, ValidationStatusMessage=cut(message, _MAX_MESSAGE)
    )


def jobs(plan_arn: str, now: datetime) -> list[Job]:
    """List the plan's restore jobs of the last weeks; needs `backup:ListRestoreJobs`."""
    since = now - timedelta(days=2 * MAX_DAYS)
    pages = _backup().get_paginator("list_restore_jobs")
    found = pages.paginate(ByRestoreTestingPlanArn=plan_arn, ByCreatedAfter=since)
    return [_job(one) for page in found for one in page.get("RestoreJobs", ())]


def plan_created(plan_name: str) -> datetime:
    """Return when the plan was made; needs `backup:GetRestoreTestingPlan` on it."""
    found = _backup().get_restore_testing_plan(RestoreTestingPlanName=plan_name)
    return _utc(found["RestoreTestingPlan"]["CreationTime"])


def instances() -> Iterator[Instance]:
    """List every DB instance of the account and region; needs `rds:DescribeDBInstances` on all."""
    for page in _rds().get_paginator("describe_db_instances").paginate():
        for one in page["DBInstances"]:
            yield Instance(
                one["DBInstanceIdentifier"],
                one["DBInstanceStatus"],
                one.get("DBSubnetGroup", {}).get("DBSubnetGroupName", ""),
                _utc(one["InstanceCreateTime"]) if "InstanceCreateTime" in one else None,
            )


def instance(identifier: str) -> Mapping[str, Any]:
    """Describe one DB instance; needs `rds:DescribeDBInstances` on it."""
    found: Mapping[str, Any] = _rds().describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
    return found


def set_password(identifier: str, password: str) -> None:
    """Set the master user's password; needs `rds:ModifyDBInstance` on the instance."""
    _rds().modify_db_instance(DBInstanceIdentifier=identifier, MasterUserPassword=password, ApplyImmediately=True)


def _job(one: Mapping[str, Any]) -> Job:
    return Job(
        id=one["RestoreJobId"],
        status=one["Status"],
        message=one.get("StatusMessage", ""),
        source_arn=one.get("SourceResourceArn", ""),
        recovery_point_created=_utc(one["RecoveryPointCreationDate"]),
        created=_utc(one["CreationDate"]),
        completed=_utc(one["CompletionDate"]) if "CompletionDate" in one else None,
        resource=one.get("CreatedResourceArn", "").rpartition(":")[2],
        validation=one.get("ValidationStatus", ""),
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _backup() -> Any:
    return boto3.client("backup", config=_CONFIG)


def _rds() -> Any:
    return boto3.client("rds", config=_CONFIG)
