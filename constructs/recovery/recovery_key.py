"""The ARN of the recovery region's key, looked up in each deployment that changes what it is looked up by."""

import aws_cdk as cdk
from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.functions.lambda_package import RUNTIME, lambda_package
from constructs.functions.lambda_role import LambdaRole
from names import Names


class RecoveryKey(Construct):
    """RDS and AWS Backup take the ARN of a key in another region, which a template can neither know nor refer to.

    Args:
        create: the command that makes the key, for the error when there is none.
    Attributes: arn.
    """

    def __init__(self, scope: Construct, id: str, *, names: Names, region: str, create: str) -> None:
        super().__init__(scope, id)
        name, alias = names.recovery_key, f"alias/{names.key_alias('recovery')}"
        log_group = logs.LogGroup.from_log_group_name(self, "Logs", names.recovery_key_log_group)
        role = LambdaRole(self, "Role", function_name=name, log_group=log_group, is_in_vpc=False)
        keys = Stack.of(self).format_arn(service="kms", region=region, resource="key", resource_name="*")
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:DescribeKey"],
                resources=[keys],
                conditions={"StringEquals": {"kms:RequestAlias": alias}},
            )
        )
        acknowledge(role, "One key, by its alias; its id is what is asked for", f"IAM5[Resource::{keys}]")
        function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description="Tells CloudFormation the ARN of the recovery region's key",
            runtime=lambda_.Runtime(f"python{'.'.join(map(str, RUNTIME))}", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_package(),
            handler="ops_lambdas.recovery_key.function.handler",
            role=role,
            memory_size=256,
            timeout=Duration.minutes(1),
            environment={"POWERTOOLS_SERVICE_NAME": "recovery_key", "POWERTOOLS_LOG_LEVEL": "INFO"},
            log_group=log_group,
        )
        resource = cdk.CustomResource(
            self,
            "Resource",
            resource_type="Custom::RecoveryKey",
            service_token=function.function_arn,
            service_timeout=Duration.minutes(5),
            properties={"Region": region, "Alias": alias, "Create": create},
        )
        resource.node.add_dependency(role)  # and its policy
        self.arn = resource.get_att_string("Arn")
