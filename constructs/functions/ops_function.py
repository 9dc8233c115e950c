"""A function of ops_lambdas/: what all of them have in common."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from constructs import Construct
from constructs.functions.lambda_package import RUNTIME, lambda_package
from constructs.functions.lambda_role import LambdaRole
from constructs.network.vpc import Network


class OpsFunction(lambda_.Function):
    """A function with its own role, log group, and the asset; its construct and its role are beside each other.

    Args:
        name: of the function.
        handler: module and function below `ops_lambdas`, e.g. "pool_health.handler.handler".
        log_group: name of one that exists.
        settings: environment variables; never a secret's value.
        network: it runs in the application subnets; None: outside of the VPC.
        security_group: the checks' by default.
        options: others of `aws_lambda.Function`.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        name: str,
        description: str,
        handler: str,
        log_group: str,
        timeout: Duration,
        settings: Mapping[str, str],
        network: Network | None = None,
        security_group: ec2.ISecurityGroup | None = None,
        memory_mib: int = 256,
        **options: Any,
    ) -> None:
        logs_group = logs.LogGroup.from_log_group_name(scope, "FunctionLogs", log_group)
        super().__init__(
            scope,
            "Function",
            function_name=name,
            description=description,
            runtime=lambda_.Runtime(f"python{'.'.join(map(str, RUNTIME))}", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_package(),
            handler=f"ops_lambdas.{handler}",
            role=LambdaRole(scope, "Role", function_name=name, log_group=logs_group, is_in_vpc=network is not None),
            memory_size=memory_mib,
            timeout=timeout,
            environment={
                "POWERTOOLS_SERVICE_NAME": handler.partition(".")[0],
                "POWERTOOLS_LOG_LEVEL": "INFO",
                **settings,
            },
            vpc=network.vpc if network else None,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS) if network else None,
            security_groups=[security_group or network.checks_group] if network else None,
            log_group=logs_group,
            **options,
        )
