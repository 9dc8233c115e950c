"""Rotation of the secrets that we may replace: a function, and a schedule for each secret."""

from collections.abc import Iterable

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs import Construct
from constructs.checks.declaration import Deployed
from constructs.functions.ops_function import OpsFunction
from constructs.secrets.encrypted_secret import ReadableSecret

# Before MAX_SECRET_DAYS of housekeeping, so that a rotation that fails is done again before its alarm.
ROTATION_DAYS = 85
_SERVICE = "secretsmanager.amazonaws.com"


class Rotation(Construct):
    """Rotate the database's two secrets and those that hold a generated value, every ROTATION_DAYS (decision 25).

    The application's login rotates at once, from the master user, which the database begins with, to the first of the
    two users that it then alternates between: only then can the master's password rotate.

    Attributes: function.
    """

    def __init__(self, scope: Construct, id: str, *, deployed: Deployed) -> None:
        super().__init__(scope, id)
        names, database, values = deployed.environment.names, deployed.database, deployed.secrets.rotated
        self.function = OpsFunction(
            self,
            name=names.rotation,
            description=f"Rotates secrets every {ROTATION_DAYS} days, called by Secrets Manager",
            handler="rotation.function.handler",
            log_group=names.rotation_log_group,
            timeout=Duration.minutes(1),
            settings={
                "ENVIRONMENT": deployed.environment.name,
                **database.master_settings,
                "URL_SECRET_ARN": database.secret.secret_arn,
                "VALUE_SECRET_ARNS": ",".join(secret.secret_arn for secret in values.values()),
            },
            network=deployed.network,
        )
        secrets: dict[str, ReadableSecret] = {"Url": database.secret, "Password": database.password_secret, **values}
        self._allow(deployed, secrets.values())
        permission = lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=self.function.function_arn,
            principal=_SERVICE,
            source_account=Stack.of(self).account,
        )
        for name, secret in secrets.items():
            schedule = secretsmanager.CfnRotationSchedule(
                self,
                f"Schedule{name}",
                secret_id=secret.secret_arn,
                rotation_lambda_arn=self.function.function_arn,
                rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                    schedule_expression=f"rate({ROTATION_DAYS} days)"
                ),
                rotate_immediately_on_update=name == "Url",
            )
            schedule.node.add_dependency(permission, self.function)  # and its role's policy

    def _allow(self, deployed: Deployed, secrets: Iterable[ReadableSecret]) -> None:
        actions = ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")
        through = {"StringEquals": {"kms:ViaService": f"secretsmanager.{Stack.of(self).region}.amazonaws.com"}}
        for statement in (
            iam.PolicyStatement(
                actions=[f"secretsmanager:{action}" for action in actions],
                resources=[secret.policy_arn for secret in secrets],
            ),
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=[deployed.secrets.key.key_arn],
                conditions=through,
            ),
        ):
            self.function.add_to_role_policy(statement)
