"""A task of two containers that share a volume: PostgreSQL's clients, and the AWS CLI."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.common.private_bucket import imported
from constructs.dump.authorities import authorities
from constructs.secrets.encrypted_secret import ReadableSecret, SecretField

POSTGRESQL, AWS_CLI = "postgresql", "aws-cli"
# Of AWS's public registry, for both platforms. PostgreSQL's major version is the database's; the minor one may differ.
# The AWS CLI's from 2.33 on has `s3 cp --no-overwrite`: https://github.com/aws/aws-cli/pull/9750
IMAGES = {
    POSTGRESQL: "public.ecr.aws/docker/library/postgres:18.6",
    AWS_CLI: "public.ecr.aws/aws-cli/aws-cli:2.36.46",
}
PREFIX = "dumps"  # of the objects
_FOLDER = Path(__file__).parent
_VOLUME, _MOUNTED = "dump", "/dump"
# ECS puts each key of the secret into the variable that libpq reads, so no command line or log has it.
# https://www.postgresql.org/docs/current/libpq-envars.html
_LOGIN = {"PGHOST": "host", "PGPORT": "port", "PGDATABASE": "dbname", "PGUSER": "username", "PGPASSWORD": "password"}


@dataclass(frozen=True, kw_only=True)
class TransferParts:
    """What the tasks of both directions have in common.

    Attributes:
        storage_gib: of the task; the dump must fit in, beside the images.
        database_secret: the login of the application, who owns the tables.
    """

    architecture: str
    storage_gib: int
    log_group: logs.ILogGroup
    bucket: s3.IBucket
    database_secret: ReadableSecret


@dataclass(frozen=True)
class _Program:
    container: str
    script: str
    environment: Mapping[str, str]
    secrets: Mapping[str, ecs.Secret] = field(default_factory=dict)


class TransferTask(ecs.FargateTaskDefinition):
    """Dump the database into the bucket, or restore it from there: one container after the other.

    The second starts when the first has succeeded. Both run as the image's user in the shared volume.

    Args:
        family: also the prefix of its log streams.
        direction: "dump" or "restore".
    """

    def __init__(
        self, scope: Construct, *, family: str, direction: Literal["dump", "restore"], parts: TransferParts
    ) -> None:
        super().__init__(
            scope,
            "Task",
            family=family,
            cpu=1024,
            memory_limit_mib=2048,
            ephemeral_storage_gib=parts.storage_gib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.of(parts.architecture),
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
            volumes=[ecs.Volume(name=_VOLUME)],
        )
        client, cli = self._client(direction, parts), self._cli(direction, parts)
        first, last = (client, cli) if direction == "dump" else (cli, client)
        # The end of an essential container ends the task, so the first is none.
        before = self._add(first, parts, is_essential=False)
        after = self._add(last, parts, is_essential=True)
        after.add_container_dependencies(
            ecs.ContainerDependency(container=before, condition=ecs.ContainerDependencyCondition.SUCCESS)
        )
        self._may_transfer(direction, parts.bucket)
        acknowledge(self, "Every stream of its log group", f"IAM5[Resource::{parts.log_group.log_group_arn}]")
        acknowledge(self, "Names of servers and what they are verified with; the login is a secret", "ECS2")

    def _client(self, direction: str, parts: TransferParts) -> _Program:
        environment = {
            "DATABASE_CA": authorities(Stack.of(self).region),
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "authorities.pem",  # in the volume
            "PGCONNECT_TIMEOUT": "10",
            "PGAPPNAME": direction,
            "TABLES": (_FOLDER / "tables.sql").read_text(),
        }
        secrets = {name: SecretField(parts.database_secret, key) for name, key in _LOGIN.items()}
        return _Program(POSTGRESQL, f"{direction}.sh", environment, secrets)

    @staticmethod
    def _cli(direction: str, parts: TransferParts) -> _Program:
        script = "upload.sh" if direction == "dump" else "download.sh"
        return _Program(AWS_CLI, script, {"BUCKET": parts.bucket.bucket_name})

    def _add(self, program: _Program, parts: TransferParts, *, is_essential: bool) -> ecs.ContainerDefinition:
        container = self.add_container(
            program.container,
            container_name=program.container,
            image=ecs.ContainerImage.from_registry(IMAGES[program.container]),
            essential=is_essential,
            entry_point=["sh", "-c"],  # the images' own would run a server, and `aws`
            command=[(_FOLDER / program.script).read_text()],
            working_directory=_MOUNTED,
            environment=dict(program.environment),
            secrets=dict(program.secrets),
            logging=ecs.LogDriver.aws_logs(stream_prefix=self.family, log_group=parts.log_group),
        )
        container.add_mount_points(ecs.MountPoint(container_path=_MOUNTED, source_volume=_VOLUME, read_only=False))
        return container

    def _may_transfer(self, direction: str, bucket: s3.IBucket) -> None:
        """Only into new objects, or only out of them.

        An upload in parts needs the permission for its parts, too, which take no condition.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        """
        objects = bucket.arn_for_objects(f"{PREFIX}/*")
        through = {"StringEquals": {"kms:ViaService": f"s3.{Stack.of(self).region}.amazonaws.com"}}
        statements: list[tuple[list[str], dict[str, object]]] = [(["s3:GetObject"], {})]
        keys = ["kms:Decrypt"]
        if direction == "dump":
            statements = [
                (["s3:PutObject"], {"StringEquals": {"s3:if-none-match": "*"}}),
                (["s3:PutObject"], {"Bool": {"s3:ObjectCreationOperation": "false"}}),
                (["s3:AbortMultipartUpload"], {}),
            ]
            keys += ["kms:GenerateDataKey"]
        for actions, conditions in statements:
            self.add_to_task_role_policy(
                iam.PolicyStatement(actions=actions, resources=[objects], conditions=conditions)
            )
        if bucket.encryption_key:
            self.add_to_task_role_policy(
                iam.PolicyStatement(actions=keys, resources=[bucket.encryption_key.key_arn], conditions=through)
            )
        acknowledge(self, "Every dump, each with a key of its own", f"IAM5[Resource::{imported(bucket)}/{PREFIX}/*]")
