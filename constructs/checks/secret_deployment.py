"""Secret deployment in AWS: looks every five minutes whether the tasks have the secrets' current values."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from application import DATABASE_SECRET
from constructs.alarms.severity import Severity
from constructs.checks.check_permissions import may_describe_service
from constructs.checks.declaration import Check, Deployed
from constructs.common.acknowledge import acknowledge
from constructs.secrets.encrypted_secret import ReadableSecret


def _secrets(deployed: Deployed) -> Sequence[ReadableSecret]:
    """The secrets that the tasks read."""
    names = {name for container in deployed.environment.containers for name in container.secrets.values()}
    by_name = {**deployed.secrets.by_name, DATABASE_SECRET: deployed.database.secret}
    return [by_name[name] for name in sorted(names)]


def _settings(deployed: Deployed) -> dict[str, str]:
    names = deployed.environment.names
    return {
        "ECS_CLUSTER": names.cluster,
        "ECS_SERVICE": names.service,
        "SECRET_ARNS": ",".join(secret.secret_arn for secret in _secrets(deployed)),
        "NAME_PREFIX": names.secret(""),
        "OUTAGE_ALARM": names.alarm(Severity.P1, "outage"),
    }


def _may_see_changes(function: lambda_.Function, deployed: Deployed) -> None:
    """List secrets, and the versions of those that the tasks read; but not the values.

    ListSecrets has no resources, and DescribeAlarms returns composite alarms only to who may describe all.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    """
    arns = [secret.policy_arn for secret in _secrets(deployed)]
    for actions, resources in (
        (["secretsmanager:ListSecretVersionIds"], arns),
        (["secretsmanager:ListSecrets", "cloudwatch:DescribeAlarms"], ["*"]),
    ):
        if resources:
            function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=resources))
    if function.role:
        acknowledge(function.role, "Secrets are listed, and composite alarms described, on all", "IAM5[Resource::*]")


def _may_deploy(function: lambda_.Function, deployed: Deployed) -> None:
    """Start a deployment of the service."""
    names = deployed.environment.names
    service = Stack.of(function).format_arn(
        service="ecs", resource="service", resource_name=f"{names.cluster}/{names.service}"
    )
    function.add_to_role_policy(iam.PolicyStatement(actions=["ecs:UpdateService"], resources=[service]))


CHECK = Check(
    name="secret_deployment",
    every=Duration.minutes(5),
    timeout=Duration.minutes(1),
    settings=_settings,
    permissions=(may_describe_service, _may_see_changes, _may_deploy),
)
