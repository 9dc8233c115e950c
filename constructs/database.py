"""RDS PostgreSQL, its read replica, and the secret by which it is reached."""

from typing import Any

from aws_cdk import Duration, RemovalPolicy, SecretValue, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager

from application import DATABASE_SECRET
from constructs import Construct
from constructs.acknowledge import acknowledge
from constructs.encrypted_secret import EncryptedSecret
from constructs.log_group import LogGroup

ENGINE = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_18_3)
LOG_EXPORTS = ("postgresql", "upgrade")
SLOW_QUERY_MILLISECONDS = 1000
NAME = "pardon_simulator"
USER = "pardon"
PORT = 5432


class Database(Construct):
    """PostgreSQL that only TLS connections from `security_group`'s peers reach.

    The instance has a fixed identifier, so that its log groups can be made, with retention, before it. The
    secret `<prefix>/database-url` is JSON with engine, host, port, dbname, username, password and `url`,
    complete as Prisma wants it. The password is generated into `<prefix>/database-password`, since the
    instance must know it before there is a host to put into the other; whatever rotates it writes both.

    Args:
        instance_class: e.g. "db.t4g.medium".
        storage_gib, max_storage_gib: at first, and the ceiling of storage autoscaling.
        secrets_key: encrypts the secrets.
    Attributes: instance; replica, or None; secret; password_secret; key, which encrypts storage and Performance
        Insights.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        secrets_key: kms.IKey,
        key: kms.IKey,
        instance_class: str,
        storage_gib: int,
        max_storage_gib: int,
        is_multi_az: bool,
        has_replica: bool,
        backup_days: int,
        log_retention_days: int,
        is_protected: bool,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, id)
        self.password_secret = EncryptedSecret(
            self,
            "Password",
            secret_name=f"{prefix}/database-password",
            description="Password of the database's owner; the instance is created with it",
            encryption_key=secrets_key,
            removal_policy=removal_policy,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template="{}",  # noqa: S106 - the JSON that the generated key is added to
                generate_string_key="password",
                password_length=40,
                exclude_punctuation=True,  # it stands in a URL
            ),
        )
        password = self.password_secret.secret_value_from_json("password")
        parameters = rds.ParameterGroup(
            self,
            "Parameters",
            engine=ENGINE,
            description=f"{prefix}: TLS only, statistics and slow queries",
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
            vpc=vpc,
            description=f"{prefix}: isolated subnets of two zones",
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            removal_policy=RemovalPolicy.DESTROY,
        )
        shared: dict[str, Any] = {
            "vpc": vpc,
            "subnet_group": subnets,
            "security_groups": [security_group],
            "publicly_accessible": False,
            "instance_type": ec2.InstanceType(instance_class.removeprefix("db.")),
            "parameter_group": parameters,
            "storage_type": rds.StorageType.GP3,
            "max_allocated_storage": max_storage_gib,
            "iam_authentication": True,
            "ca_certificate": rds.CaCertificate.RDS_CA_RSA2048_G1,
            "enable_performance_insights": True,
            "performance_insight_encryption_key": key,
            "database_insights_mode": rds.DatabaseInsightsMode.STANDARD,
            "cloudwatch_logs_exports": list(LOG_EXPORTS),
            "copy_tags_to_snapshot": True,
            "auto_minor_version_upgrade": True,
            "preferred_maintenance_window": "sun:04:30-sun:05:30",
            "deletion_protection": is_protected,
        }
        self.instance = rds.DatabaseInstance(
            self,
            "Instance",
            instance_identifier=f"{prefix}-database",
            engine=ENGINE,
            database_name=NAME,
            credentials=rds.Credentials.from_password(USER, password),
            port=PORT,
            allocated_storage=storage_gib,
            storage_encryption_key=key,
            multi_az=is_multi_az,
            backup_retention=Duration.days(backup_days),
            preferred_backup_window="03:00-04:00",
            delete_automated_backups=not is_protected,
            removal_policy=RemovalPolicy.SNAPSHOT,
            **shared,
        )
        self._logs(prefix, self.instance, "database", log_retention_days, removal_policy)
        self.replica: rds.DatabaseInstanceReadReplica | None = None
        if has_replica:
            self.replica = rds.DatabaseInstanceReadReplica(
                self,
                "Replica",
                instance_identifier=f"{prefix}-database-replica",
                source_database_instance=self.instance,
                removal_policy=RemovalPolicy.DESTROY,  # holds nothing that the instance does not
                **shared,
            )
            self._logs(prefix, self.replica, "database-replica", log_retention_days, removal_policy)
            acknowledge(self.replica, "Holds nothing that the instance does not; it is made anew", "RDS3")
            acknowledge(self.replica, "A replica takes encryption and key from its source", "RDS2")
        if not is_multi_az:
            acknowledge(self.instance, "An environment that may stand still for a restore", "RDS3")
        if not is_protected:
            acknowledge(self, "An environment that can be torn down", "RDS10")
        acknowledge(self, "Reached through security groups only; another port hides nothing", "RDS11")
        self.secret = self._secret(prefix, password, secrets_key, removal_policy)

    def login_settings(self, user: str) -> dict[str, str]:
        """Environment variables of a function that logs in as `user` with an IAM token."""
        endpoint = self.instance.instance_endpoint
        return {
            "DATABASE_HOST": endpoint.hostname,
            "DATABASE_PORT": Token.as_string(endpoint.port),
            "DATABASE_NAME": NAME,
            "DATABASE_USER": user,
        }

    def _logs(
        self,
        prefix: str,
        instance: Construct,
        name: str,
        retention_days: int,
        removal_policy: RemovalPolicy,
    ) -> None:
        for export in LOG_EXPORTS:
            group = LogGroup(
                self,
                f"{instance.node.id}Log{export.title()}",
                name=f"/aws/rds/instance/{prefix}-{name}/{export}",
                retention_days=retention_days,
                removal_policy=removal_policy,
            )
            instance.node.add_dependency(group)  # else RDS makes it, without retention

    def _secret(
        self, prefix: str, password: SecretValue, key: kms.IKey, removal_policy: RemovalPolicy
    ) -> EncryptedSecret:
        endpoint, secret = self.instance.instance_endpoint, password.unsafe_unwrap()
        host, port = endpoint.hostname, Token.as_string(endpoint.port)
        url = f"postgresql://{USER}:{secret}@{host}:{port}/{NAME}?schema=public&sslmode=require"
        values = {"engine": "postgres", "host": host, "port": port, "dbname": NAME, "username": USER}
        return EncryptedSecret(
            self,
            "Url",
            secret_name=f"{prefix}/{DATABASE_SECRET}",
            description="The database: host, port, dbname, username, password, and the complete url for Prisma",
            encryption_key=key,
            removal_policy=removal_policy,
            secret_object_value={
                name: SecretValue.unsafe_plain_text(value)  # a reference that CloudFormation resolves, no secret
                for name, value in {**values, "password": secret, "url": url}.items()
            },
        )
