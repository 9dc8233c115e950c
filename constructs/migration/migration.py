"""The application's migrations: tasks with the version's own image, and the state machine that runs them."""

import aws_cdk as cdk
from aws_cdk import Duration, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.migration.migration_function import migration_function
from constructs.migration.migration_state_machine import migration_state_machine
from constructs.network.vpc import Network
from constructs.secrets.encrypted_secret import ReadableSecret, SecretField
from names import Names

CONTAINER = "migration"
TIMEOUT = Duration.hours(1)  # CloudFormation's maximum; a longer migration goes on, but its deployment fails


class Migration(Construct):
    """Run `prisma migrate deploy` in each deployment of another image, before the service's tasks are replaced.

    CloudFormation requests it of the function, which starts the state machine; at its end this responds, so that it may
    take longer than a function may. When it fails, the deployment fails with the task's last lines, and the service
    stays as it is. A rollback runs no migration.

    Args:
        image: of the site, with its migrations and the Prisma CLI.
        database_secret: the owner's login, with the URL in the key `url`.
    Attributes:
        resource: done when the migrations are; the service depends on it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: str,
        names: Names,
        network: Network,
        cluster: ecs.ICluster,
        image: ecr.IRepository,
        image_tag: str,
        architecture: str,
        database_secret: ReadableSecret,
    ) -> None:
        super().__init__(scope, id)
        definition = self._task_definition(names, image, image_tag, architecture, database_secret)
        state_machine_arn = Stack.of(self).format_arn(
            service="states",
            resource="stateMachine",
            resource_name=names.migration,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        function = migration_function(
            self,
            environment=environment,
            names=names,
            network=network,
            container=CONTAINER,
            state_machine_arn=state_machine_arn,
            database_secret=database_secret,
        )
        state_machine = migration_state_machine(
            self,
            names=names,
            network=network,
            cluster=cluster,
            definition=definition,
            container=CONTAINER,
            function=function,
        )
        self.resource = cdk.CustomResource(
            self,
            "Resource",
            resource_type="Custom::Migration",
            service_token=function.function_arn,
            service_timeout=TIMEOUT,
            properties={"Task": definition.task_definition_arn},
        )
        self.resource.node.add_dependency(state_machine, definition)  # and their roles' policies

    def _task_definition(
        self,
        names: Names,
        image: ecr.IRepository,
        image_tag: str,
        architecture: str,
        database_secret: ReadableSecret,
    ) -> ecs.FargateTaskDefinition:
        definition = ecs.FargateTaskDefinition(
            self,
            "Task",
            family=names.migration,
            cpu=512,
            memory_limit_mib=1024,  # the Prisma CLI and its engine
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.of(architecture),
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        log_group = logs.LogGroup.from_log_group_name(self, "TaskLogs", names.migration_log_groups["tasks"])
        definition.add_container(
            CONTAINER,
            container_name=CONTAINER,
            image=ecs.ContainerImage.from_ecr_repository(image, image_tag),
            command=["npx", "prisma", "migrate", "status"],
            secrets={"DATABASE_URL": SecretField(database_secret, "url")},
            logging=ecs.LogDriver.aws_logs(stream_prefix=CONTAINER, log_group=log_group),
        )
        acknowledge(definition, "Every stream of its log group", f"IAM5[Resource::{log_group.log_group_arn}]")
        acknowledge(definition, "ecr:GetAuthorizationToken has no resource", "IAM5[Resource::*]")
        return definition
