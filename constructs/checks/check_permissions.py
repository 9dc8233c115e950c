"""Permissions of the checks, each as narrow as AWS allows."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from constructs.checks.declaration import Deployed, Permission
from constructs.common.acknowledge import acknowledge
from names import DATABASE_ROLE


def may_log_in(function: lambda_.Function, deployed: Deployed) -> None:
    """Log in to the database as the checks' role, with a token."""
    if function.role:
        deployed.database.allow_login(function.role, DATABASE_ROLE)


def may_read_master_secret(function: lambda_.Function, deployed: Deployed) -> None:
    """Read the password of the database's master user."""
    deployed.database.password_secret.grant_read(function)


def may_read_secret(name: str) -> Permission:
    """Read one of the application's secrets."""

    def permission(function: lambda_.Function, deployed: Deployed) -> None:
        deployed.secrets.by_name[name].grant_read(function)

    return permission


def may_find_tasks(function: lambda_.Function, deployed: Deployed) -> None:
    """List and describe the tasks of the cluster."""
    stack, name = Stack.of(function), deployed.environment.names.cluster
    cluster = stack.format_arn(service="ecs", resource="cluster", resource_name=name)
    tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{name}/*")
    for action, resource in (("ecs:ListTasks", "*"), ("ecs:DescribeTasks", tasks)):
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[action], resources=[resource], conditions={"ArnEquals": {"ecs:cluster": cluster}}
            )
        )
    if function.role:
        acknowledge(function.role, "Tasks are listed of one cluster, by the condition", "IAM5[Resource::*]")
        acknowledge(function.role, "Every task of one cluster, since tasks come and go", f"IAM5[Resource::{tasks}]")


def may_describe_service(function: lambda_.Function, deployed: Deployed) -> None:
    """Describe the service."""
    names = deployed.environment.names
    service = Stack.of(function).format_arn(
        service="ecs", resource="service", resource_name=f"{names.cluster}/{names.service}"
    )
    function.add_to_role_policy(iam.PolicyStatement(actions=["ecs:DescribeServices"], resources=[service]))


def may_read_costs(function: lambda_.Function, _deployed: Deployed) -> None:
    """Query Cost Explorer, which has no resources."""
    actions = ["ce:GetCostAndUsage", "ce:GetCostForecast", "ce:ListCostAllocationTags"]
    function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=["*"]))
    if function.role:
        acknowledge(function.role, "Cost Explorer has no resources", "IAM5[Resource::*]")


def may_publish(function: lambda_.Function, deployed: Deployed) -> None:
    """Publish to the encrypted alarm topic."""
    topic = deployed.alarm_topic
    for actions, resource in (
        (["sns:Publish"], topic.topic.topic_arn),
        (["kms:Decrypt", "kms:GenerateDataKey"], topic.key.key_arn),
    ):
        function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))


def may_list_subscribers(function: lambda_.Function, deployed: Deployed) -> None:
    """List the subscriptions of the alarm topic."""
    topic_arn = deployed.alarm_topic.topic.topic_arn
    function.add_to_role_policy(iam.PolicyStatement(actions=["sns:ListSubscriptionsByTopic"], resources=[topic_arn]))


def may_describe_database(function: lambda_.Function, deployed: Deployed) -> None:
    """Describe the primary DB instance."""
    describe = iam.PolicyStatement(actions=["rds:DescribeDBInstances"], resources=[deployed.database.arn])
    function.add_to_role_policy(describe)
