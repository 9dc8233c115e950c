"""Calls that are made for tests of restoring."""

from names import DATABASE_ROLE
from procedures.verify.arns import Arns
from procedures.verify.call import Call, of_function, on

_RESTORED, _RECORD = "db:awsbackup-restore-test-sample", "backup-records/2026-11-28/070000.json"


def of_backup_record(arns: Arns) -> tuple[Call, ...]:
    names = arns.environment.names
    return (
        *of_function(arns, names.backup_record, names.backup_record_log_group, is_in_vpc=True),
        *on(arns.database_user(DATABASE_ROLE), "rds-db:connect"),
        Call("s3:PutObject", f"{arns.bucket}/{_RECORD}"),
        *_with_the_bucket_s_key(arns, "kms:Decrypt", "kms:GenerateDataKey"),
        *_emails(arns),
    )


def of_restore_test(arns: Arns) -> tuple[Call, ...]:
    names = arns.environment.names
    return (
        *of_function(arns, names.restore_test, names.restore_test_log_group, is_in_vpc=True),
        *on("*", "backup:DescribeRestoreJob", "backup:ListRestoreJobs", "backup:PutRestoreValidationResult"),
        *on(arns.restore_testing_plan, "backup:GetRestoreTestingPlan"),
        *on(arns.of("rds", _RESTORED), "rds:DescribeDBInstances", "rds:ModifyDBInstance"),
        *on(arns.database, "rds:DescribeDBInstances"),
        Call("s3:ListBucket", arns.bucket, (("s3:prefix", "backup-records/2026-11-28/"),)),
        Call("s3:GetObject", f"{arns.bucket}/{_RECORD}"),
        *_with_the_bucket_s_key(arns, "kms:Decrypt"),
        *_emails(arns),
    )


def of_restore(arns: Arns) -> tuple[Call, ...]:
    """https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForRestores.html"""
    restored, snapshot = arns.of("rds", _RESTORED), arns.of("rds", "snapshot:awsbackup:sample")
    defaults = [arns.of("rds", name) for name in ("og:default:postgres-18", "pg:default.postgres18")]
    subnets = arns.of("rds", f"subgrp:{arns.environment.names.restore_test}")
    changes = ("rds:AddTagsToResource", "rds:DeleteDBInstance", "rds:DescribeDBInstances", "rds:ListTagsForResource")
    return (
        *(Call("rds:RestoreDBInstanceFromDBSnapshot", one) for one in (restored, snapshot, subnets, *defaults)),
        *on(restored, *changes),
        *on(snapshot, "rds:DescribeDBSnapshots", "rds:ListTagsForResource"),
        *on(arns.database, "rds:DescribeDBSnapshots"),
        Call("kms:DescribeKey", arns.key("data")),
        Call("kms:CreateGrant", arns.key("data"), (("kms:GrantIsForAWSResource", "true"),)),
    )


def _emails(arns: Arns) -> tuple[Call, ...]:
    return (*on(arns.topic, "sns:Publish"), *on(arns.key("logs"), "kms:Decrypt", "kms:GenerateDataKey"))


def _with_the_bucket_s_key(arns: Arns, *actions: str) -> tuple[Call, ...]:
    through = (("kms:ViaService", f"s3.{arns.environment.region}.amazonaws.com"),)
    return tuple(Call(action, arns.key("data"), through) for action in actions)
