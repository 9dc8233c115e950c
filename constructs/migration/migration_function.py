"""The function of the migrations: CloudFormation calls it, and the state machine."""

import aws_cdk as cdk
from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.functions.lambda_package import RUNTIME, lambda_package
from constructs.functions.lambda_role import LambdaRole
from constructs.network.vpc import Network
from names import Names


def migration_function(
    scope: Construct,
    *,
    environment: str,
    names: Names,
    network: Network,
    container: str,
    state_machine_arn: str,
    database_secret: secretsmanager.ISecret,
) -> lambda_.Function:
    """The function that starts migrations for CloudFormation and responds to it; a step of the state machine, too."""
    name, tasks = names.migration, names.migration_log_groups["tasks"]
    log_group = logs.LogGroup.from_log_group_name(scope, "FunctionLogs", names.migration_log_groups["function"])
    role = LambdaRole(scope, "Role", function_name=name, log_group=log_group, is_in_vpc=True)
    _allow(role, names, state_machine_arn)
    database_secret.grant_read(role)
    return lambda_.Function(
        scope,
        "Function",
        function_name=name,
        description="Starts the application's migrations for CloudFormation, and responds when they have ended",
        runtime=lambda_.Runtime(f"python{'.'.join(map(str, RUNTIME))}", lambda_.RuntimeFamily.PYTHON),
        architecture=lambda_.Architecture.ARM_64,
        code=lambda_package(),
        handler="ops_lambdas.migration.function.handler",
        role=role,
        memory_size=256,
        timeout=Duration.minutes(1),
        environment={
            "POWERTOOLS_SERVICE_NAME": "migration",
            "POWERTOOLS_LOG_LEVEL": "INFO",
            "ENVIRONMENT": environment,
            "STATE_MACHINE_ARN": state_machine_arn,
            "DATABASE_SECRET_ARN": database_secret.secret_arn,
            "TASK_LOG_GROUP": tasks,
            "CONTAINER": container,
        },
        vpc=network.vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        security_groups=[network.checks_group],
        log_group=log_group,
    )


def _allow(role: LambdaRole, names: Names, state_machine_arn: str) -> None:
    stack = Stack.of(role)
    streams = stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name=f"{names.migration_log_groups['tasks']}:*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    own_stack = stack.format_arn(
        service="cloudformation", resource="stack", resource_name=f"{names.stack('service')}/*"
    )
    for action, resource in (
        ("states:StartExecution", state_machine_arn),
        ("logs:GetLogEvents", streams),
        ("cloudformation:DescribeStacks", own_stack),
    ):
        role.add_to_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
    acknowledge(role, "Each task has its own log stream", f"IAM5[Resource::{streams}]")
    acknowledge(role, "One stack; AWS chooses the end of its ARN", f"IAM5[Resource::{own_stack}]")
