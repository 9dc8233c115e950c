"""What a check may call, each as narrow as AWS lets it be."""

from collections.abc import Iterable

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns

from constructs.acknowledge import acknowledge
from constructs.database import Database


def may_log_in(function: lambda_.Function, database: Database, user: str) -> None:
    """Log in to the database as `user`, with a token."""
    database.instance.grant_connect(function, user)


def may_find_tasks(function: lambda_.Function, cluster_name: str) -> None:
    """List and describe the tasks of one cluster."""
    stack = Stack.of(function)
    cluster = stack.format_arn(service="ecs", resource="cluster", resource_name=cluster_name)
    tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{cluster_name}/*")
    for action, resource in (("ecs:ListTasks", "*"), ("ecs:DescribeTasks", tasks)):
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[action], resources=[resource], conditions={"ArnEquals": {"ecs:cluster": cluster}}
            )
        )
    if function.role:
        acknowledge(function.role, "Every task of one cluster, since tasks come and go", f"IAM5[Resource::{tasks}]")


def may_read_costs(function: lambda_.Function) -> None:
    """Ask Cost Explorer, which knows no resources."""
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["ce:GetCostAndUsage", "ce:GetCostForecast", "ce:ListCostAllocationTags"], resources=["*"]
        )
    )
    if function.role:
        acknowledge(function.role, "Cost Explorer knows no resources", "IAM5[Resource::*]")


def may_publish(function: lambda_.Function, topic: sns.ITopic, key: kms.IKey) -> None:
    """Publish to the encrypted topic."""
    function.add_to_role_policy(iam.PolicyStatement(actions=["sns:Publish"], resources=[topic.topic_arn]))
    function.add_to_role_policy(
        iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn])
    )


def may_keep_house(
    function: lambda_.Function,
    *,
    secrets: Iterable[secretsmanager.ISecret],
    topic: sns.ITopic,
    instance: rds.IDatabaseInstance,
) -> None:
    """See when secrets got their values, but not the values; who is subscribed; how the database is backed up."""
    for actions, resources in (
        (
            ["secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds"],
            [secret.secret_arn for secret in secrets],
        ),
        (["sns:ListSubscriptionsByTopic"], [topic.topic_arn]),
        (["rds:DescribeDBInstances"], [instance.instance_arn]),
    ):
        function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=resources))
