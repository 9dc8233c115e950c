"""The task definition: every container of the application."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from application import DATABASE_SECRET, Address, Container, Known
from constructs import Construct
from constructs.common.acknowledge import acknowledge, imported
from constructs.secrets.encrypted_secret import ReadableSecret, SecretField
from start_command import RESTART_PERIOD_SECONDS


class ApplicationTask(Construct):
    """A Fargate task definition with `containers`.

    Its execution role may pull these repositories' images, write to this log group and read these secrets;
    its task role may read the configuration bucket. Nothing else.

    Args:
        cpu, memory_mib: a size that Fargate offers, in CPU units and MiB.
        secrets: every secret that a container names, by its name.
        wallets: public addresses by owner.
        values: what the containers' variables hold that is known here only; all but the bucket.
    Attributes: definition.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        family: str,
        cpu: int,
        memory_mib: int,
        architecture: str,
        containers: tuple[Container, ...],
        image_tag: str,
        repositories: Mapping[str, ecr.IRepository],
        secrets: Mapping[str, ReadableSecret],
        wallets: Mapping[str, str],
        values: Mapping[Known, str],
        configuration_bucket: s3.IBucket,
        log_group: logs.ILogGroup,
    ) -> None:
        super().__init__(scope, id)
        self.definition = ecs.FargateTaskDefinition(
            self,
            "Definition",
            family=family,
            cpu=cpu,
            memory_limit_mib=memory_mib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.of(architecture),
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        self._image_tag, self._repositories, self._secrets = image_tag, repositories, secrets
        self._log_group, self._wallets = log_group, wallets
        reads = any(container.reads_configuration for container in containers)
        self._values = {**values, **({Known.BUCKET: configuration_bucket.bucket_name} if reads else {})}
        definitions: dict[str, ecs.ContainerDefinition] = {}
        for container in containers:
            definition = definitions[container.name] = self._add(container)
            definition.add_container_dependencies(
                *(
                    ecs.ContainerDependency(container=definitions[name], condition=_condition(containers, name))
                    for name in container.starts_after
                )
            )
        if reads:
            self._may_read(configuration_bucket)
        acknowledge(self.definition, "Settings that are not secret; secrets come from Secrets Manager", "ECS2")
        acknowledge(self.definition, "Every stream of its log group", f"IAM5[Resource::{log_group.log_group_arn}]")
        acknowledge(self.definition, "ecr:GetAuthorizationToken has no resource", "IAM5[Resource::*]")

    def _add(self, container: Container) -> ecs.ContainerDefinition:
        return self.definition.add_container(
            container.name,
            container_name=container.name,
            image=ecs.ContainerImage.from_ecr_repository(self._repositories[container.repository], self._image_tag),
            essential=container.is_essential,
            # The task continues without a container that is not essential, so ECS has to restart it.
            enable_restart_policy=None if container.is_essential else True,
            restart_attempt_period=None if container.is_essential else Duration.seconds(RESTART_PERIOD_SECONDS),
            memory_limit_mib=container.memory_mib,
            memory_reservation_mib=container.memory_reservation_mib,
            command=list(container.command) or None,
            environment=self._variables(container),
            secrets={
                variable: SecretField(self._secrets[name], _json_key(name))
                for variable, name in container.secrets.items()
            },
            port_mappings=[ecs.PortMapping(container_port=container.port)] if container.port else [],
            health_check=_health_check(container),
            # An answer that waits for a model takes tens of seconds; 120 is Fargate's maximum.
            stop_timeout=Duration.seconds(60),
            logging=ecs.LogDriver.aws_logs(
                stream_prefix=container.name,
                log_group=self._log_group,
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            ),
        )

    def _variables(self, container: Container) -> dict[str, str]:
        known = {name: self._values[value] for name, value in container.environment.items() if isinstance(value, Known)}
        addresses = {
            name: self._wallets[value.owner]
            for name, value in container.environment.items()
            if isinstance(value, Address) and value.owner in self._wallets
        }
        plain = {name: value for name, value in container.environment.items() if isinstance(value, str)}
        return {**plain, **known, **addresses}

    def _may_read(self, bucket: s3.IBucket) -> None:
        grants = {"s3:ListBucket": bucket.bucket_arn, "s3:GetObject": bucket.arn_for_objects("*")}
        for action, resource in grants.items():
            self.definition.add_to_task_role_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
        if bucket.encryption_key:
            bucket.encryption_key.grant_decrypt(self.definition.task_role)
        acknowledge(self, "Every object of the configuration bucket", f"IAM5[Resource::{imported(bucket)}/*]")


def _json_key(secret: str) -> str:
    return "url" if secret == DATABASE_SECRET else "value"


def health_command(url: str) -> str:
    """Ask `url` with what the image has: slim images carry one of curl and wget, one of a slim Node only node."""
    ask = f"fetch('{url}').then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"
    return f'curl -fsS -o /dev/null {url} || wget -q -O /dev/null {url} || node -e "{ask}" || exit 1'


def _health_check(container: Container) -> ecs.HealthCheck | None:
    command = container.health_command
    if container.health_path:
        command = health_command(f"http://127.0.0.1:{container.port}{container.health_path}")
    if command is None:
        return None
    return ecs.HealthCheck(
        command=["CMD-SHELL", command],
        interval=Duration.seconds(30),
        timeout=Duration.seconds(5),
        retries=3,
        start_period=Duration.seconds(container.start_seconds) if container.start_seconds else None,
    )


def _condition(containers: tuple[Container, ...], name: str) -> ecs.ContainerDependencyCondition:
    has_check = any(container.name == name and container.health_path for container in containers)
    return ecs.ContainerDependencyCondition.HEALTHY if has_check else ecs.ContainerDependencyCondition.START
