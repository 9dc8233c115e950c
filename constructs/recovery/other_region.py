"""What the recovery region has, looked up in each deployment that changes what it is looked up by."""

import aws_cdk as cdk
from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.functions.ops_function import OpsFunction
from names import Names


class RecoveryRegion(Construct):
    """A key's ARN and a bucket's name in another region, which a template can neither know nor refer to.

    Args:
        bucket_id: the bucket's logical id, in the stack of the data there.
        create: the command that makes both, for the error when they are not there.
    Attributes: key_arn, bucket.
    """

    def __init__(self, scope: Construct, id: str, *, names: Names, region: str, bucket_id: str, create: str) -> None:
        super().__init__(scope, id)
        alias, stack_name = f"alias/{names.key_alias('data')}", names.stack("data")
        function = OpsFunction(
            self,
            name=names.recovery_region,
            description="Tells CloudFormation the ARN of the recovery region's key, and the name of its bucket",
            handler="recovery_region.function.handler",
            log_group=names.recovery_region_log_group,
            timeout=Duration.minutes(1),
            settings={},
        )
        stack = Stack.of(self)
        keys = stack.format_arn(service="kms", region=region, resource="key", resource_name="*")
        data = stack.format_arn(
            service="cloudformation", region=region, resource="stack", resource_name=f"{stack_name}/*"
        )
        only = {"StringEquals": {"kms:RequestAlias": alias}}
        for statement in (
            iam.PolicyStatement(actions=["kms:DescribeKey"], resources=[keys], conditions=only),
            iam.PolicyStatement(actions=["cloudformation:DescribeStackResource"], resources=[data]),
        ):
            function.add_to_role_policy(statement)
        if function.role:
            acknowledge(function.role, "One key, by its alias; its id is what is asked for", f"IAM5[Resource::{keys}]")
            acknowledge(function.role, "One stack; AWS chooses the end of its ARN", f"IAM5[Resource::{data}]")
        resource = cdk.CustomResource(
            self,
            "Resource",
            resource_type="Custom::RecoveryRegion",
            service_token=function.function_arn,
            service_timeout=Duration.minutes(5),
            properties={
                "Region": region,
                "Alias": alias,
                "Stack": stack_name,
                "BucketId": bucket_id,
                "Create": create,
            },
        )
        resource.node.add_dependency(self.node.find_child("Role"))  # and its policy
        self.key_arn, self.bucket = resource.get_att_string("KeyArn"), resource.get_att_string("Bucket")
