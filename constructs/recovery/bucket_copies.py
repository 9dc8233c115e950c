"""Copies of a bucket's objects in the recovery region."""

from typing import cast

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from constructs import Construct
from constructs.common.acknowledge import acknowledge


class BucketCopies(Construct):
    """Replicate each new version and deletion to another region's bucket, encrypted by its key.

    What was uploaded before is not replicated.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html

    Args:
        key: encrypts the bucket.
        to, to_key_arn: name of the other bucket, and the key there.
    """

    def __init__(
        self, scope: Construct, id: str, *, bucket: s3.Bucket, key: kms.IKey, to: str, to_key_arn: str, to_region: str
    ) -> None:
        super().__init__(scope, id)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("s3.amazonaws.com"))
        destination = self._arn(to)
        self._allow(role, bucket, key.key_arn, to, to_key_arn, to_region)
        replication = s3.CfnBucket
        cast(
            s3.CfnBucket, bucket.node.default_child
        ).replication_configuration = replication.ReplicationConfigurationProperty(
            role=role.role_arn,
            rules=[
                replication.ReplicationRuleProperty(
                    id="recovery-region",
                    priority=0,
                    status="Enabled",
                    filter=replication.ReplicationRuleFilterProperty(prefix=""),
                    delete_marker_replication=replication.DeleteMarkerReplicationProperty(status="Enabled"),
                    source_selection_criteria=replication.SourceSelectionCriteriaProperty(
                        sse_kms_encrypted_objects=replication.SseKmsEncryptedObjectsProperty(status="Enabled")
                    ),
                    destination=replication.ReplicationDestinationProperty(
                        bucket=destination,
                        encryption_configuration=replication.EncryptionConfigurationProperty(
                            replica_kms_key_id=to_key_arn
                        ),
                    ),
                )
            ],
        )

    def _arn(self, bucket: str) -> str:
        return Stack.of(self).format_arn(service="s3", region="", account="", resource=bucket)

    def _allow(self, role: iam.Role, bucket: s3.Bucket, key_arn: str, to: str, to_key_arn: str, to_region: str) -> None:
        region = Stack.of(self).region
        destination = self._arn(to)
        reads = ("GetObjectVersionForReplication", "GetObjectVersionAcl", "GetObjectVersionTagging")
        writes = ("ReplicateObject", "ReplicateDelete", "ReplicateTags")
        for actions, resource, service in (
            (["s3:GetReplicationConfiguration", "s3:ListBucket"], bucket.bucket_arn, None),
            ([f"s3:{action}" for action in reads], bucket.arn_for_objects("*"), None),
            ([f"s3:{action}" for action in writes], f"{destination}/*", None),
            (["kms:Decrypt"], key_arn, f"s3.{region}.amazonaws.com"),
            (["kms:Encrypt"], to_key_arn, f"s3.{to_region}.amazonaws.com"),
        ):
            conditions = {"StringLike": {"kms:ViaService": service}} if service else None
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource], conditions=conditions))
        bucket_id = Stack.of(self).get_logical_id(cast(s3.CfnBucket, bucket.node.default_child))
        acknowledge(role, "Every object of the bucket", f"IAM5[Resource::<{bucket_id}.Arn>/*]")
        # cdk-nag shows a reference by its resource.
        shown = Stack.of(self).resolve(to)["Fn::GetAtt"]
        acknowledge(role, "Every copy in the other bucket", f"IAM5[Resource::arn:aws:s3:::<{'.'.join(shown)}>/*]")
