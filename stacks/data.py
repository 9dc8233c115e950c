"""The -data stack."""

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms

from constructs import Construct
from constructs.common.private_bucket import PrivateBucket
from constructs.database.instances import Database
from constructs.network.vpc import Network
from constructs.recovery.backup_plan import DatabaseBackups
from constructs.recovery.recovery_key import RecoveryKey
from constructs.recovery.vault import Vault
from environment import Environment
from stacks.base import EnvironmentStack


class DataStack(EnvironmentStack):
    """Database, configuration bucket and access logs."""

    layer = "data"

    def __init__(self, scope: Construct, environment: Environment, *, network: Network, secrets_key: kms.IKey) -> None:
        super().__init__(scope, environment)
        key = kms.Key(
            self,
            "Key",
            alias=environment.names.key_alias("data"),
            description="The database's storage, its backups and their copies, and the configuration bucket",
            enable_key_rotation=True,
            # In every environment: the final snapshot and the buckets outlive the stack, and are lost without it.
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        self.database = Database(
            self,
            "Database",
            names=environment.names,
            size=environment.database,
            network=network,
            secrets_key=secrets_key,
            key=key,
            retention=self.retention,
            is_protected=environment.is_protected,
            has_known_id=environment.recovery == "none",
        )
        if environment.sends_copies or environment.receives_copies:
            self._back_up(environment, key)
        self.access_logs = PrivateBucket(self, "AccessLogs", expire_days=environment.log_retention_days)
        self.configuration_bucket = PrivateBucket(
            self, "Configuration", key=key, old_version_days=90, access_logs=self.access_logs
        )
        # Always: an export that a deployed -service imports could not go with the last container that reads them.
        for value in (self.configuration_bucket.bucket_arn, self.configuration_bucket.bucket_name, key.key_arn):
            self.export_value(value)
        kept = (self.database.instance, key, self.access_logs, self.configuration_bucket)
        self.kept_resources = tuple(self.get_logical_id(cast(cdk.CfnElement, one.node.default_child)) for one in kept)
        cdk.CfnOutput(self, "DatabaseEndpoint", value=self.database.instance.instance_endpoint.socket_address)
        cdk.CfnOutput(self, "ConfigurationBucket", value=self.configuration_bucket.bucket_name)

    def _back_up(self, environment: Environment, key: kms.IKey) -> None:
        """A backup each day and month; of the home region's also a copy, and RDS's own within minutes, in the other."""
        names, region = environment.names, environment.recovery_region
        vault = Vault(
            self,
            "Backups",
            name=names.backup_vault,
            key=key,
            lock_days=environment.backup_lock_days,
            removal_policy=self.retention.removal_policy,
        )
        copies = {}
        if environment.copies_backups:
            create = f"make standby ENV={environment.name}"
            copy_key = RecoveryKey(self, "RecoveryKey", names=names, region=region, create=create)
            self.database.replicate_backups(region, copy_key.arn)
            copies = {"copy_region": region, "copy_key_arn": copy_key.arn}
        plan = DatabaseBackups(
            self, "BackupPlan", names=names, vault=vault, database_arn=self.database.arn, key=key, **copies
        )
        plan.node.add_dependency(self.database.instance)
