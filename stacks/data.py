"""The -data stack."""

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms

from constructs import Construct
from constructs.common.private_bucket import PrivateBucket
from constructs.database.instances import Database
from constructs.network.vpc import Network
from constructs.recovery.backup_plan import DatabaseBackups
from constructs.recovery.bucket_copies import BucketCopies
from constructs.recovery.other_region import RecoveryRegion
from constructs.recovery.restore_tests import expire_records
from constructs.recovery.vault import Vault
from environment import Environment
from stacks.base import EnvironmentStack

OLD_DUMP_DAYS = 7  # a deletion by mistake can be undone for so long, and is final then


class DataStack(EnvironmentStack):
    """Database, configuration bucket and access logs."""

    layer = "data"

    def __init__(self, scope: Construct, environment: Environment, *, network: Network, secrets_key: kms.IKey) -> None:
        super().__init__(scope, environment)
        key = self.key = kms.Key(
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
        self.access_logs = PrivateBucket(self, "AccessLogs", expire_days=environment.log_retention_days)
        self.configuration_bucket = PrivateBucket(
            self, "Configuration", key=key, old_version_days=90, access_logs=self.access_logs
        )
        if environment.sends_copies or environment.receives_copies:
            self._back_up(environment, key, self._copy(environment, key))
        if environment.copies_backups:
            expire_records(self.configuration_bucket)
        self.dump_bucket = self._dump_bucket(environment, key)
        # Always: an export that a deployed -service imports could not go with the last container that reads them.
        for value in (self.configuration_bucket.bucket_arn, self.configuration_bucket.bucket_name, key.key_arn):
            self.export_value(value)
        if not environment.is_standby:  # nor with a role that names the instance by its id
            self.export_value(self.database.instance.instance_resource_id)
        kept = (self.database.instance, key, self.access_logs, self.configuration_bucket, self.dump_bucket)
        self.kept_resources = tuple(self.get_logical_id(cast(cdk.CfnElement, one.node.default_child)) for one in kept)
        cdk.CfnOutput(self, "DatabaseEndpoint", value=self.database.instance.instance_endpoint.socket_address)
        cdk.CfnOutput(self, "ConfigurationBucket", value=self.configuration_bucket.bucket_name)
        cdk.CfnOutput(self, "DumpBucket", value=self.dump_bucket.bucket_name)

    def _dump_bucket(self, environment: Environment, key: kms.IKey) -> PrivateBucket:
        return PrivateBucket(
            self,
            "Dumps",
            key=key,
            expire_days=environment.dumps.dump_days,
            old_version_days=OLD_DUMP_DAYS,
            is_lockable=True,
            lock_days=environment.dumps.dump_lock_days,
            access_logs=self.access_logs,
        )

    def _copy(self, environment: Environment, key: kms.IKey) -> RecoveryRegion | None:
        """Copy what the home region has while it serves: objects, and RDS's own backups within minutes."""
        if not environment.copies_backups:
            return None
        bucket = cast(cdk.CfnElement, self.configuration_bucket.node.default_child)
        there = RecoveryRegion(
            self,
            "RecoveryRegion",
            names=environment.names,
            region=environment.recovery_region,
            bucket_id=self.get_logical_id(bucket),  # it is the same there
            create=f"make standby ENV={environment.name}",
        )
        self.database.replicate_backups(environment.recovery_region, there.key_arn)
        BucketCopies(
            self,
            "ConfigurationCopies",
            bucket=self.configuration_bucket,
            key=key,
            to=there.bucket,
            to_key_arn=there.key_arn,
            to_region=environment.recovery_region,
        )
        return there

    def _back_up(self, environment: Environment, key: kms.IKey, there: RecoveryRegion | None) -> None:
        """A backup each day and month, and a copy of it in the recovery region, if any."""
        names = environment.names
        vault = Vault(
            self,
            "Backups",
            name=names.backup_vault,
            key=key,
            lock_days=environment.backup_lock_days,
            removal_policy=self.retention.removal_policy,
        )
        copies = {}
        if there:
            copies = {"copy_region": environment.recovery_region, "copy_key_arn": there.key_arn}
        plan = DatabaseBackups(
            self, "BackupPlan", names=names, vault=vault, database_arn=self.database.arn, key=key, **copies
        )
        plan.node.add_dependency(self.database.instance)
