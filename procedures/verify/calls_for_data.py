"""Calls that are made for secrets and backups: rotation, and the copies in the recovery region."""

from application import ROTATED_SECRETS, SECRETS
from procedures.verify.arns import Arns
from procedures.verify.call import Call, of_function, on


def of_rotation(arns: Arns) -> tuple[Call, ...]:
    """https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html"""
    names, through = arns.environment.names, f"secretsmanager.{arns.environment.region}.amazonaws.com"
    actions = ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")
    return (
        *of_function(arns, names.rotation, names.rotation_log_group, is_in_vpc=True),
        *(Call(f"secretsmanager:{action}", arns.secret(name)) for name in ROTATED_SECRETS for action in actions),
        *(
            Call(action, arns.key("secrets"), (("kms:ViaService", through),))
            for action in ("kms:Decrypt", "kms:GenerateDataKey")
        ),
    )


def of_recovery_region(arns: Arns) -> tuple[Call, ...]:
    names = arns.environment.names
    alias, data = (("kms:RequestAlias", f"alias/{names.key_alias('data')}"),), names.stack("data")
    return (
        *of_function(arns, names.recovery_region, names.recovery_region_log_group, is_in_vpc=False),
        Call("kms:DescribeKey", arns.copies("kms", "key/sample"), alias),
        Call("cloudformation:DescribeStackResource", arns.copies("cloudformation", f"stack/{data}/sample")),
    )


def of_bucket_replication(arns: Arns) -> tuple[Call, ...]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html"""
    environment, source, copies = arns.environment, arns.bucket, arns.copies_bucket
    reads = ("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging")
    here, there = (
        (("kms:ViaService", f"s3.{region}.amazonaws.com"),)
        for region in (environment.region, environment.recovery_region)
    )
    return (
        *on(source, "s3:GetReplicationConfiguration", "s3:ListBucket"),
        *on(f"{source}/sample", *reads),
        *on(f"{copies}/sample", "s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"),
        Call("kms:Decrypt", arns.key("data"), here),
        Call("kms:Encrypt", arns.recovery_key, there),
    )


def of_copied_secrets(arns: Arns) -> tuple[Call, ...]:
    names = arns.environment.names
    actions = ("secretsmanager:DescribeSecret", "secretsmanager:StopReplicationToReplica")
    return (
        *of_function(arns, names.copied_secrets, names.copied_secrets_log_group, is_in_vpc=False),
        *(call for one in SECRETS for call in on(arns.secret(one.name), *actions)),
    )


def of_backup(arns: Arns) -> tuple[Call, ...]:
    """https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForBackup.html"""
    vault = f"backup-vault:{arns.environment.names.backup_vault}"
    places = (arns.of, arns.copies) if arns.environment.copies_backups else (arns.of,)
    keys = [arns.key("data"), arns.recovery_key][: len(places)]
    snapshots = [place("rds", "snapshot:awsbackup:sample") for place in places]
    reads = ("rds:DescribeDBSnapshots", "rds:ListTagsForResource")
    changes = ("rds:AddTagsToResource", "rds:CopyDBSnapshot", "rds:CreateDBSnapshot", "rds:DeleteDBSnapshot")
    grants = (("kms:GrantIsForAWSResource", "true"),)
    return (
        *on(arns.database, "rds:CreateDBSnapshot", "rds:DescribeDBInstances", *reads),
        *(call for one in snapshots for call in on(one, *reads, *changes)),
        *(
            call
            for place in places
            for call in on(place("backup", vault), "backup:DescribeBackupVault", "backup:CopyIntoBackupVault")
        ),
        *on(arns.of("backup", vault), "backup:CopyFromBackupVault"),
        *(call for key in keys for call in on(key, "kms:DescribeKey")),
        *(Call("kms:CreateGrant", key, grants) for key in keys),
    )
