"""The -recovery stack."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms

from constructs import Construct
from constructs.recovery.vault import Vault
from environment import Environment
from stacks.base import EnvironmentStack
from validation import ConfigurationError


class RecoveryStack(EnvironmentStack):
    """In the recovery region: what the backups of the home region need before they can be copied there.

    Raises:
        ConfigurationError: the environment is not in its recovery region, or copies no backups.
    """

    layer = "recovery"

    def __init__(self, scope: Construct, environment: Environment) -> None:
        if environment.region != environment.recovery_region or environment.recovery == "none":
            raise ConfigurationError(
                f"environment {environment.name}: with -c standby=true, region must be its recovery_region "
                f"({environment.recovery_region}) and recovery 'backups', got {environment.region} and "
                f"{environment.recovery!r}"
            )
        super().__init__(scope, environment)
        key = kms.Key(
            self,
            "Key",
            alias=environment.names.key_alias("recovery"),
            description="Copies of the database's backups",
            enable_key_rotation=True,
            # In every environment: the copies are lost without it.
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        Vault(
            self,
            "Vault",
            name=environment.names.backup_vault,
            key=key,
            lock_days=environment.backup_lock_days,
            removal_policy=self.retention.removal_policy,
        )
        cdk.CfnOutput(self, "CopiesFrom", value=environment.home_region)
