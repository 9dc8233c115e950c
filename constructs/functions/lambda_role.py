"""The role of a Lambda: its own log group, its network interfaces, and what is granted."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from constructs import Construct
from constructs.common.acknowledge import acknowledge


class LambdaRole(iam.Role):
    """What AWS's managed policies for Lambda give, narrowed to one log group and one function.

    Lambda itself manages the network interfaces with this role; the function's own code may not.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice
    """

    def __init__(
        self, scope: Construct, id: str, *, function_name: str, log_group: logs.ILogGroup, is_in_vpc: bool
    ) -> None:
        super().__init__(scope, id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(self)
        acknowledge(self, "Every stream of its own log group", f"IAM5[Resource::{log_group.log_group_arn}]")
        if is_in_vpc:
            self._may_have_network_interfaces(function_name)

    def _may_have_network_interfaces(self, function_name: str) -> None:
        interfaces = [
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ]
        function_arn = Stack.of(self).format_arn(
            service="lambda", resource="function", resource_name=function_name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        self.add_to_policy(iam.PolicyStatement(actions=interfaces, resources=["*"]))
        self.add_to_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=interfaces,
                resources=["*"],
                conditions={"ArnEquals": {"lambda:SourceFunctionArn": function_arn}},
            )
        )
        acknowledge(self, "Network interfaces do not exist before Lambda makes them", "IAM5[Resource::*]")
