"""Buckets: private, encrypted, TLS only, with a lifecycle."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from constructs import Construct


class PrivateBucket(s3.Bucket):
    """A bucket that outlives its stack: what it holds is never deleted with it.

    Args:
        key: encrypts the objects; S3's own key if none (the only one that load balancers can write with).
        expire_days: objects are deleted after that many days.
        old_version_days: versions are kept; old ones are deleted after that many days.
        is_lockable: objects can be locked. A bucket keeps that for good, which costs nothing, so that a lock of new
            objects can be set and taken away without another bucket.
        lock_days: new objects are locked for so long, in governance mode: only who may bypass it deletes one before.
        access_logs: receives this bucket's server access logs under `<id>/`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        key: kms.IKey | None = None,
        expire_days: int | None = None,
        old_version_days: int | None = None,
        is_lockable: bool = False,
        lock_days: int | None = None,
        access_logs: s3.IBucket | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=key is not None,
            versioned=old_version_days is not None,
            object_lock_enabled=is_lockable or None,
            object_lock_default_retention=(
                s3.ObjectLockRetention.governance(Duration.days(lock_days)) if lock_days else None
            ),
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"{id}/" if access_logs else None,
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                    expiration=Duration.days(expire_days) if expire_days else None,
                    noncurrent_version_expiration=Duration.days(old_version_days) if old_version_days else None,
                )
            ],
        )


def imported(bucket: s3.IBucket) -> str:
    """What cdk-nag calls the bucket's ARN: the name of the export that another stack imports it by."""
    stack = Stack.of(bucket)
    name: str = stack.resolve(stack.export_value(bucket.bucket_arn))["Fn::ImportValue"]
    return name
