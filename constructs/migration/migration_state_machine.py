"""The state machine of the migrations, and what it may do."""

import aws_cdk as cdk
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as stepfunctions

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.migration.states import migration_states
from constructs.network.vpc import Network
from names import Names


def migration_state_machine(
    scope: Construct,
    *,
    names: Names,
    network: Network,
    cluster: ecs.ICluster,
    definition: ecs.FargateTaskDefinition,
    container: str,
    function: lambda_.Function,
) -> stepfunctions.StateMachine:
    """The state machine that runs migrations as tasks of `definition`, and its role."""
    stack = Stack.of(scope)
    # By their names: the roles of a region in standby are made before the functions and the task definition.
    own_function, role_check = (
        stack.format_arn(
            service="lambda",
            resource="function",
            resource_name=name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        for name in (names.migration, names.check("database_role"))
    )
    snapshots = f"{names.database}-before"
    states = migration_states(
        run_task={
            "Cluster": cluster.cluster_arn,
            "TaskDefinition": definition.task_definition_arn,
            "LaunchType": "FARGATE",
            "NetworkConfiguration": {"AwsvpcConfiguration": _interface(network)},
        },
        container=container,
        function_arn=function.function_arn,
        role_check_arn=role_check,
        database=names.database,
        snapshot_prefix=snapshots,
    )
    role = iam.Role(
        scope,
        "StateMachineRole",
        assumed_by=iam.ServicePrincipal(
            "states.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": stack.account}}
        ),
    )
    _allow(role, names, definition, [own_function, role_check], snapshots)
    log_group = logs.LogGroup.from_log_group_name(scope, "StateLogs", names.migration_log_groups["states"])
    state_machine = stepfunctions.StateMachine(
        scope,
        "StateMachine",
        state_machine_name=names.migration,
        definition_body=stepfunctions.DefinitionBody.from_string(stack.to_json_string(states)),
        role=role,
        # Without the data: CloudFormation's request has a signed URL.
        logs=stepfunctions.LogOptions(
            destination=log_group, level=stepfunctions.LogLevel.ALL, include_execution_data=False
        ),
    )
    state_machine.node.add_dependency(role)
    acknowledge(state_machine, "A few executions a month; their log says what they did", "SF2")
    acknowledge(role, "Delivering logs has no resources", "IAM5[Resource::*]")
    return state_machine


def _interface(network: Network) -> dict[str, object]:
    """Where the tasks are: as the service's."""
    subnets = network.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS).subnet_ids
    groups = [network.service_group.security_group_id]
    return {"Subnets": subnets, "SecurityGroups": groups, "AssignPublicIp": "DISABLED"}


def _allow(
    role: iam.Role, names: Names, definition: ecs.FargateTaskDefinition, functions: list[str], snapshots: str
) -> None:
    """What the states do. https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html#connect-ecs-iam"""
    stack = Stack.of(role)
    tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{names.cluster}/*")
    rule = stack.format_arn(service="events", resource="rule", resource_name="StepFunctionsGetEventsForECSTaskRule")
    database, snapshot = (
        stack.format_arn(
            service="rds", resource=resource, resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        for resource, name in (("db", names.database), ("snapshot", f"{snapshots}-*"))
    )
    family = stack.format_arn(service="ecs", resource="task-definition", resource_name=f"{names.migration}:*")
    roles = [one.role_arn for one in (definition.task_role, definition.execution_role) if one]
    for actions, resources in (
        (["ecs:RunTask"], [family]),
        (["ecs:StopTask", "ecs:DescribeTasks"], [tasks]),
        (["events:PutTargets", "events:PutRule", "events:DescribeRule"], [rule]),
        (["lambda:InvokeFunction"], functions),
        (["rds:CreateDBSnapshot"], [database, snapshot]),
        (["rds:DescribeDBSnapshots"], [database, snapshot]),
    ):
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=roles,
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        )
    )
    for resource in (tasks, snapshot, family):
        acknowledge(role, "Tasks, revisions and snapshots of this environment", f"IAM5[Resource::{resource}]")
