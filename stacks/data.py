"""The -data stack."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms

from constructs import Construct
from constructs.database import Database
from constructs.network import Network
from constructs.private_bucket import PrivateBucket
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
            alias=f"{environment.prefix}-data",
            description="The database's storage and the configuration bucket",
            enable_key_rotation=True,
            removal_policy=self.removal_policy,
        )
        self.database = Database(
            self,
            "Database",
            prefix=environment.prefix,
            vpc=network.vpc,
            security_group=network.database_group,
            secrets_key=secrets_key,
            key=key,
            instance_class=environment.database_class,
            storage_gib=environment.storage_gib,
            max_storage_gib=environment.max_storage_gib,
            is_multi_az=environment.is_multi_az,
            has_replica=environment.has_replica,
            backup_days=environment.backup_days,
            log_retention_days=environment.log_retention_days,
            is_protected=environment.is_protected,
            removal_policy=self.removal_policy,
        )
        self.access_logs = PrivateBucket(self, "AccessLogs", expire_days=environment.log_retention_days)
        self.configuration_bucket = PrivateBucket(
            self, "Configuration", key=key, old_version_days=90, access_logs=self.access_logs
        )
        cdk.CfnOutput(self, "DatabaseEndpoint", value=self.database.instance.instance_endpoint.socket_address)
        cdk.CfnOutput(self, "ConfigurationBucket", value=self.configuration_bucket.bucket_name)
