"""The function of the migrations: CloudFormation calls it, and the state machine."""

import aws_cdk as cdk
from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.functions.ops_function import OpsFunction
from constructs.network.vpc import Network
from constructs.secrets.encrypted_secret import ReadableSecret
from names import Names


def migration_function(
    scope: Construct,
    *,
    environment: str,
    names: Names,
    network: Network,
    container: str,
    state_machine_arn: str,
    database_secret: ReadableSecret,
) -> lambda_.Function:
    """The function that starts migrations for CloudFormation and responds to it; a step of the state machine, too."""
    groups = names.migration_log_groups
    function = OpsFunction(
        scope,
        name=names.migration,
        description="Starts the application's migrations for CloudFormation, and responds when they have ended",
        handler="migration.function.handler",
        log_group=groups["function"],
        timeout=Duration.minutes(1),
        settings={
            "ENVIRONMENT": environment,
            "STATE_MACHINE_ARN": state_machine_arn,
            "DATABASE_SECRET_ARN": database_secret.secret_arn,
            "TASK_LOG_GROUP": groups["tasks"],
            "CONTAINER": container,
        },
        network=network,
    )
    _allow(function, names, state_machine_arn)
    database_secret.grant_read(function)
    return function


def _allow(function: lambda_.Function, names: Names, state_machine_arn: str) -> None:
    stack = Stack.of(function)
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
        function.add_to_role_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
    if function.role:
        acknowledge(function.role, "Each task has its own log stream", f"IAM5[Resource::{streams}]")
        acknowledge(function.role, "One stack; AWS chooses the end of its ARN", f"IAM5[Resource::{own_stack}]")
