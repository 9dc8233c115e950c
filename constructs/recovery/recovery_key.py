"""The ARN of the recovery region's key, looked up in each deployment that changes what it is looked up by."""

import aws_cdk as cdk
from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.functions.ops_function import OpsFunction
from names import Names


class RecoveryKey(Construct):
    """RDS and AWS Backup take the ARN of a key in another region, which a template can neither know nor refer to.

    Args:
        create: the command that makes the key, for the error when there is none.
    Attributes: arn.
    """

    def __init__(self, scope: Construct, id: str, *, names: Names, region: str, create: str) -> None:
        super().__init__(scope, id)
        name, alias = names.recovery_key, f"alias/{names.key_alias('data')}"
        function = OpsFunction(
            self,
            name=name,
            description="Tells CloudFormation the ARN of the recovery region's key",
            handler="recovery_key.function.handler",
            log_group=names.recovery_key_log_group,
            timeout=Duration.minutes(1),
            settings={},
        )
        keys = Stack.of(self).format_arn(service="kms", region=region, resource="key", resource_name="*")
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["kms:DescribeKey"],
                resources=[keys],
                conditions={"StringEquals": {"kms:RequestAlias": alias}},
            )
        )
        if function.role:
            acknowledge(function.role, "One key, by its alias; its id is what is asked for", f"IAM5[Resource::{keys}]")
        resource = cdk.CustomResource(
            self,
            "Resource",
            resource_type="Custom::RecoveryKey",
            service_token=function.function_arn,
            service_timeout=Duration.minutes(5),
            properties={"Region": region, "Alias": alias, "Create": create},
        )
        resource.node.add_dependency(self.node.find_child("Role"))  # and its policy
        self.arn = resource.get_att_string("Arn")
