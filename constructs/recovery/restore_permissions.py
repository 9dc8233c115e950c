"""Permissions of tests of restoring: AWS Backup's role, and the two functions."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct
from constructs.checks.declaration import Deployed
from constructs.common.acknowledge import acknowledge, imported
from ops_lambdas.restore_test.core import RESTORED_PREFIX
from ops_lambdas.shared.backup_records import PREFIX


class RestoreRole(iam.Role):
    """What AWS Backup restores the database with: what AWS's own policy allows for RDS, on what it restores.

    AWS Backup deletes the instance with a service-linked role of its own.
    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForRestores.html

    Args:
        subnet_group: name of the DB subnet group.
    """

    def __init__(self, scope: Construct, id: str, *, deployed: Deployed, subnet_group: str) -> None:
        super().__init__(scope, id, assumed_by=iam.ServicePrincipal("backup.amazonaws.com"))
        instances, snapshots = _rds(self, "db", f"{RESTORED_PREFIX}*"), _rds(self, "snapshot", "awsbackup:*")
        defaults = [_rds(self, "og", "default:*"), _rds(self, "pg", "default.*")]
        used = [instances, snapshots, _rds(self, "subgrp", subnet_group), *defaults]
        changes = ["rds:AddTagsToResource", "rds:DeleteDBInstance", "rds:DescribeDBInstances"]
        for actions, resources in (
            (["rds:RestoreDBInstanceFromDBSnapshot"], used),
            (changes, [instances]),
            (["rds:DescribeDBSnapshots"], [snapshots, deployed.database.instance.instance_arn]),
            (["rds:ListTagsForResource"], [instances, snapshots]),
            (["kms:DescribeKey"], [deployed.data_key.key_arn]),
        ):
            self.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        self.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:CreateGrant"],
                resources=[deployed.data_key.key_arn],
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            )
        )
        for arn, reason in (
            (instances, "Instances that AWS Backup names itself, for tests only"),
            (snapshots, "Snapshots that AWS Backup names itself"),
            *((arn, "AWS's own default, whose name has the engine's version") for arn in defaults),
        ):
            acknowledge(self, reason, f"IAM5[Resource::{arn}]")


def may_write_records(function: lambda_.Function, deployed: Deployed) -> None:
    """Write what the database holds."""
    _may_use_records(function, deployed, ["s3:PutObject"], ["kms:Decrypt", "kms:GenerateDataKey"])


def may_read_records(function: lambda_.Function, deployed: Deployed) -> None:
    """List and read records."""
    _may_use_records(function, deployed, ["s3:GetObject"], ["kms:Decrypt"])
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["s3:ListBucket"],
            resources=[deployed.configuration_bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{PREFIX}*"}},
        )
    )


def may_validate(function: lambda_.Function, deployed: Deployed) -> None:
    """Read the plan's jobs and tell results, and log in to what was restored, with a new password of its master user.

    Jobs have no ARN that a policy could name; instances are listed by all of them.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbackup.html
    """
    plan = deployed.environment.names.restore_testing_plan
    plans = Stack.of(function).format_arn(
        service="backup",
        resource="restore-testing-plan",
        resource_name=f"{plan}-*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    every, restored = _rds(function, "db", "*"), _rds(function, "db", f"{RESTORED_PREFIX}*")
    of_jobs = ["backup:DescribeRestoreJob", "backup:ListRestoreJobs", "backup:PutRestoreValidationResult"]
    for actions, resource, reason in (
        (of_jobs, "*", "Restore jobs have no ARN"),
        (["backup:GetRestoreTestingPlan"], plans, "One plan; AWS chooses the end of its ARN"),
        (["rds:DescribeDBInstances"], every, "Listing instances is allowed on all of them"),
        (["rds:ModifyDBInstance"], restored, "Instances that AWS Backup names itself, for tests only"),
    ):
        function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        if function.role:
            acknowledge(function.role, reason, f"IAM5[Resource::{resource}]")


def _may_use_records(function: lambda_.Function, deployed: Deployed, actions: list[str], of_key: list[str]) -> None:
    bucket = deployed.configuration_bucket
    records = bucket.arn_for_objects(f"{PREFIX}*")
    for statement in (
        iam.PolicyStatement(actions=actions, resources=[records]),
        iam.PolicyStatement(
            actions=of_key,
            resources=[deployed.data_key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"s3.{Stack.of(function).region}.amazonaws.com"}},
        ),
    ):
        function.add_to_role_policy(statement)
    if function.role:
        acknowledge(function.role, "Records are named by their time", f"IAM5[Resource::{imported(bucket)}/{PREFIX}*]")


def _rds(scope: Construct, resource: str, name: str) -> str:
    return Stack.of(scope).format_arn(
        service="rds", resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
