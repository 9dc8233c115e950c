"""The state machine of the migrations, and what it may do."""

import aws_cdk as cdk
from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as stepfunctions

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.common.one_off_task import database_role_state, function_arn, run_task, task_state_machine
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
    snapshots = f"{names.database}-before"
    database, snapshot = (
        Stack.of(scope).format_arn(
            service="rds", resource=resource, resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        for resource, name in (("db", names.database), ("snapshot", f"{snapshots}-*"))
    )
    state_machine, role = task_state_machine(
        scope,
        name=names.migration,
        names=names,
        states=migration_states(
            run_task=run_task(network, cluster.cluster_arn, definition),
            container=container,
            function_arn=function.function_arn,
            database_role=database_role_state(scope, names, then="Succeed"),
            database=names.database,
            snapshot_prefix=snapshots,
        ),
        definition=definition,
        log_group=names.migration_log_groups["states"],
        statements={
            "lambda:InvokeFunction": [
                function_arn(scope, name) for name in (names.migration, names.check("database_role"))
            ],
            "rds:CreateDBSnapshot": [database, snapshot],
            "rds:DescribeDBSnapshots": [database, snapshot],
        },
    )
    acknowledge(role, "Snapshots of this environment", f"IAM5[Resource::{snapshot}]")
    return state_machine
