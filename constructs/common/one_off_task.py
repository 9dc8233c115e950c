"""One-off Fargate tasks: a state machine runs one, waits for its end, and fails when it does."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as stepfunctions

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.network.vpc import Network
from names import Names

State = dict[str, Any]

# An execution that was stopped, or a task that the state machine lost sight of.
_TASK_SECONDS = 6 * 3600


def run_task(network: Network, cluster: str, definition: ecs.FargateTaskDefinition) -> State:
    """Parameters of ECS's RunTask but what is overridden: on Fargate, where the service's tasks are.

    Args:
        cluster: its ARN.
    """
    subnets = network.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS).subnet_ids
    groups = [network.service_group.security_group_id]
    interface = {"Subnets": subnets, "SecurityGroups": groups, "AssignPublicIp": "DISABLED"}
    return {
        "Cluster": cluster,
        "TaskDefinition": definition.task_definition_arn,
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {"AwsvpcConfiguration": interface},
    }


def task_state(parameters: Mapping[str, Any], container: str, **overrides: Any) -> State:
    """A state that runs a task to its end, adds it to its input as `task`, and fails when the task does.

    Args:
        parameters: of `run_task`.
        container: the one that `overrides`, as ECS's ContainerOverride has them, are for.
    """
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": {**parameters, "Overrides": {"ContainerOverrides": [{"Name": container, **overrides}]}},
        "TimeoutSeconds": _TASK_SECONDS,
        "ResultPath": "$.task",  # not null, which the CDK leaves out
    }


def database_role_state(scope: Construct, names: Names, then: str) -> State:
    """A state that gives the checks access to new tables, by the check `database_role`, which need not exist.

    It runs every hour and at each deployment of -operations, and has its own alarm.
    """
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function_arn(scope, names.check("database_role")), "Payload": {}},
        "ResultPath": "$.database_role",
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.database_role", "Next": then}],
        "Next": then,
    }


def function_arn(scope: Construct, name: str) -> str:
    """A function, by its name: the roles of a region in standby are made before it."""
    return Stack.of(scope).format_arn(
        service="lambda", resource="function", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )


def task_state_machine(
    scope: Construct,
    *,
    name: str,
    names: Names,
    states: Mapping[str, Any],
    definition: ecs.FargateTaskDefinition,
    log_group: str,
    statements: Mapping[str, list[str]],
) -> tuple[stepfunctions.StateMachine, iam.Role]:
    """The state machine, and its role, which may run tasks of `definition`.

    Args:
        log_group: name of one that exists; what its states do is logged there, without their data.
        statements: what else the role may do: resources by action.
    """
    stack = Stack.of(scope)
    role = iam.Role(
        scope,
        "StateMachineRole",
        assumed_by=iam.ServicePrincipal(
            "states.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": stack.account}}
        ),
    )
    _may_run(role, names, definition)
    for action, resources in statements.items():
        role.add_to_policy(iam.PolicyStatement(actions=[action], resources=resources))
    state_machine = stepfunctions.StateMachine(
        scope,
        "StateMachine",
        state_machine_name=name,
        definition_body=stepfunctions.DefinitionBody.from_string(stack.to_json_string(states)),
        role=role,
        # Without the data: the request of CloudFormation has a signed URL.
        logs=stepfunctions.LogOptions(
            destination=logs.LogGroup.from_log_group_name(scope, "StateLogs", log_group),
            level=stepfunctions.LogLevel.ALL,
            include_execution_data=False,
        ),
    )
    state_machine.node.add_dependency(role)
    acknowledge(state_machine, "A few executions a month; their log says what they did", "SF2")
    acknowledge(role, "Delivering logs has no resources", "IAM5[Resource::*]")
    return state_machine, role


def _may_run(role: iam.Role, names: Names, definition: ecs.FargateTaskDefinition) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html#connect-ecs-iam"""
    stack = Stack.of(role)
    tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{names.cluster}/*")
    rule = stack.format_arn(service="events", resource="rule", resource_name="StepFunctionsGetEventsForECSTaskRule")
    # By its name: the roles of a region in standby are made before the task definition.
    family = stack.format_arn(service="ecs", resource="task-definition", resource_name=f"{definition.family}:*")
    for actions, resources in (
        (["ecs:RunTask"], [family]),
        (["ecs:StopTask", "ecs:DescribeTasks"], [tasks]),
        (["events:PutTargets", "events:PutRule", "events:DescribeRule"], [rule]),
    ):
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=[one.role_arn for one in (definition.task_role, definition.execution_role) if one],
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        )
    )
    for resource in (tasks, family):
        acknowledge(role, "Tasks and revisions of this environment", f"IAM5[Resource::{resource}]")
