"""RDS PostgreSQL and its read replica."""

from typing import Any, cast

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.common.log_group import LogGroup, Retention
from constructs.common.weak_reference import refer_weakly
from constructs.database import origin
from constructs.database.credentials import DATABASE_NAME, password_secret, url_secret
from constructs.network.vpc import Network
from environment_parts import DatabaseSize
from names import DATABASE_OWNER, Names

# The major version only: RDS upgrades the minor one by itself, which a template that names it would call drift, and a
# snapshot of a newer minor version can be restored.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.PostgreSQL.Minor.html
ENGINE = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.of("18", "18"))
LOG_EXPORTS = ("postgresql", "upgrade")
SLOW_QUERY_MILLISECONDS = 1000
PORT = 5432


class Database(Construct):
    """PostgreSQL, reachable over TLS only, from the service and the checks.

    The instance has a fixed identifier, so that its log groups can be created, with retention, before it. The
    password has its own secret, because the instance needs it before the other secret can hold a host (decision 2).

    Args:
        secrets_key: encrypts the secrets.
        key: encrypts storage and Performance Insights.
        is_protected: its automated backups outlive it.
        has_known_id: roles that log in name the instance by its id; otherwise they are made before it, for a region in
            standby, and name every instance of the account in the region.
    Attributes: arn, of the instance, by its name; instance; replica, or None; secret, complete for clients;
        password_secret.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        names: Names,
        size: DatabaseSize,
        network: Network,
        secrets_key: kms.IKey,
        key: kms.IKey,
        retention: Retention,
        is_protected: bool,
        has_known_id: bool,
    ) -> None:
        super().__init__(scope, id)
        self.arn = self._arn("rds", "db", names.database)
        self._has_known_id = has_known_id
        removal_policy = retention.removal_policy
        self.password_secret = password_secret(
            self, "Password", names=names, key=secrets_key, removal_policy=removal_policy
        )
        password = self.password_secret.secret_value_from_json("password")
        shared = self._shared(names, size, network, key)
        self.instance = rds.DatabaseInstance(
            self,
            "Instance",
            instance_identifier=names.database,
            engine=ENGINE,
            database_name=DATABASE_NAME,
            credentials=rds.Credentials.from_password(DATABASE_OWNER, password),
            port=PORT,
            allocated_storage=size.storage_gib,
            storage_encryption_key=key,
            multi_az=size.is_multi_az,
            backup_retention=Duration.days(size.backup_days),
            preferred_backup_window="03:00-04:00",
            delete_automated_backups=not is_protected,
            removal_policy=RemovalPolicy.SNAPSHOT,
            **shared,
        )
        origin.restore(cast(rds.CfnDBInstance, self.instance.node.default_child), names)
        # Else RDS creates them, without retention.
        self.instance.node.add_dependency(*self._log_groups("Instance", names.database, names, retention))
        # Without a replica, too: they outlive it, and would be in the way of the next.
        groups = self._log_groups("Replica", names.replica, names, retention)
        self.replica = self._replica(names, shared, groups) if size.has_replica else None
        if not size.is_multi_az:
            acknowledge(self.instance, "An environment that may be down during a restore", "RDS3")
        acknowledge(self, "The check `protection` switches it on, where configured (decision 15)", "RDS10")
        acknowledge(self, "Reached through security groups only; another port hides nothing", "RDS11")
        self.secret = url_secret(
            self,
            "Url",
            names=names,
            endpoint=self.instance.instance_endpoint,
            password=password,
            connection_limit=size.connection_limit,
            key=secrets_key,
            removal_policy=removal_policy,
        )

    def replicate_backups(self, region: str, key_arn: str) -> None:
        """Replicate the automated backups, snapshots and transaction logs, to another region, encrypted there."""
        instance = cast(rds.CfnDBInstance, self.instance.node.default_child)
        instance.automatic_backup_replication_region = region
        instance.automatic_backup_replication_kms_key_id = key_arn
        instance.automatic_backup_replication_retention_period = instance.backup_retention_period

    def allow_login(self, role: iam.IRole, user: str) -> None:
        """Let `role` log in as `user` with an IAM token."""
        instance = self.instance.instance_resource_id if self._has_known_id else "*"
        arn = self._arn("rds-db", "dbuser", f"{instance}/{user}")
        role.add_to_principal_policy(iam.PolicyStatement(actions=["rds-db:connect"], resources=[arn]))
        if not self._has_known_id:
            acknowledge(role, "The role is made before the instance, whose id RDS chooses", f"IAM5[Resource::{arn}]")

    def login_settings(self, user: str) -> dict[str, str]:
        """Environment variables of a function that logs in as `user` with an IAM token."""
        return {**self._place, "DATABASE_USER": user}

    @property
    def master_settings(self) -> dict[str, str]:
        """Environment variables of a function that logs in as the master user, with its password."""
        return {
            **self._place,
            "MASTER_USER": DATABASE_OWNER,
            "MASTER_SECRET_ARN": self.password_secret.secret_arn,
        }

    @property
    def _place(self) -> dict[str, str]:
        endpoint = self.instance.instance_endpoint
        return {
            "DATABASE_HOST": endpoint.hostname,
            "DATABASE_PORT": Token.as_string(endpoint.port),
            "DATABASE_NAME": DATABASE_NAME,
        }

    def _shared(self, names: Names, size: DatabaseSize, network: Network, key: kms.IKey) -> dict[str, Any]:
        """What the primary and its replica have in common."""
        parameters = rds.ParameterGroup(
            self,
            "Parameters",
            engine=ENGINE,
            description=f"{names.prefix}: TLS only, statistics and slow queries",
            parameters={
                "rds.force_ssl": "1",
                "shared_preload_libraries": "pg_stat_statements",
                "pg_stat_statements.track": "all",
                "log_min_duration_statement": str(SLOW_QUERY_MILLISECONDS),
                "log_lock_waits": "1",
            },
        )
        subnets = rds.SubnetGroup(
            self,
            "Subnets",
            vpc=network.vpc,
            description=f"{names.prefix}: isolated subnets of two zones",
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            removal_policy=RemovalPolicy.DESTROY,
        )
        return {
            "vpc": network.vpc,
            "subnet_group": subnets,
            "security_groups": [network.database_group],
            "publicly_accessible": False,
            "instance_type": ec2.InstanceType(size.instance_class.removeprefix("db.")),
            "parameter_group": parameters,
            "storage_type": rds.StorageType.GP3,
            "max_allocated_storage": size.max_storage_gib,
            "iam_authentication": True,
            "ca_certificate": rds.CaCertificate.RDS_CA_RSA2048_G1,
            "enable_performance_insights": True,
            "performance_insight_encryption_key": key,
            "database_insights_mode": rds.DatabaseInsightsMode.STANDARD,
            "cloudwatch_logs_exports": list(LOG_EXPORTS),
            "copy_tags_to_snapshot": True,
            "auto_minor_version_upgrade": True,
            "preferred_maintenance_window": "sun:04:30-sun:05:30",
        }

    def _replica(
        self, names: Names, shared: dict[str, Any], log_groups: list[LogGroup]
    ) -> rds.DatabaseInstanceReadReplica:
        replica = rds.DatabaseInstanceReadReplica(
            self,
            "Replica",
            instance_identifier=names.replica,
            source_database_instance=self.instance,
            removal_policy=RemovalPolicy.DESTROY,  # holds nothing that the instance does not
            **shared,
        )
        replica.node.add_dependency(*log_groups)
        refer_weakly(replica)  # its identifier is fixed
        acknowledge(replica, "Holds nothing that the instance does not; it can be created again", "RDS3")
        acknowledge(replica, "A replica takes encryption and key from its source", "RDS2")
        return replica

    def _arn(self, service: str, resource: str, name: str) -> str:
        return Stack.of(self).format_arn(
            service=service, resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

    def _log_groups(self, id: str, identifier: str, names: Names, retention: Retention) -> list[LogGroup]:
        return [
            LogGroup(
                self,
                f"{id}Log{export.title()}",
                name=names.database_log_group(identifier, export),
                retention=retention,
            )
            for export in LOG_EXPORTS
        ]
