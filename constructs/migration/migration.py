"""The application's migrations: tasks with the version's own image, and the state machine that runs them."""

import aws_cdk as cdk
from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_stepfunctions as stepfunctions

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.functions.lambda_package import RUNTIME, lambda_package
from constructs.functions.lambda_role import LambdaRole
from constructs.migration.states import migration_states
from constructs.network.vpc import Network
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
        database_secret: secretsmanager.ISecret,
    ) -> None:
        super().__init__(scope, id)
        self._names, self._network, self._cluster = names, network, cluster
        definition = self._task_definition(image, image_tag, database_secret)
        state_machine_arn = Stack.of(self).format_arn(
            service="states",
            resource="stateMachine",
            resource_name=names.migration,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        function = self._function(environment, state_machine_arn, database_secret)
        state_machine = self._state_machine(definition, function)
        self.resource = cdk.CustomResource(
            self,
            "Resource",
            resource_type="Custom::Migration",
            service_token=function.function_arn,
            service_timeout=TIMEOUT,
            properties={"Task": definition.task_definition_arn},
        )
        self.resource.node.add_dependency(state_machine, definition)  # and their roles' policies

    def _log_group(self, id: str, writer: str) -> logs.ILogGroup:
        return logs.LogGroup.from_log_group_name(self, id, self._names.migration_log_groups[writer])

    def _task_definition(
        self, image: ecr.IRepository, image_tag: str, database_secret: secretsmanager.ISecret
    ) -> ecs.FargateTaskDefinition:
        definition = ecs.FargateTaskDefinition(
            self,
            "Task",
            family=self._names.migration,
            cpu=512,
            memory_limit_mib=1024,  # the Prisma CLI and its engine
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.X86_64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        log_group = self._log_group("TaskLogs", "tasks")
        definition.add_container(
            CONTAINER,
            container_name=CONTAINER,
            image=ecs.ContainerImage.from_ecr_repository(image, image_tag),
            command=["npx", "prisma", "migrate", "status"],
            secrets={"DATABASE_URL": ecs.Secret.from_secrets_manager(database_secret, "url")},
            logging=ecs.LogDriver.aws_logs(stream_prefix=CONTAINER, log_group=log_group),
        )
        acknowledge(definition, "Every stream of its log group", f"IAM5[Resource::{log_group.log_group_arn}]")
        acknowledge(definition, "ecr:GetAuthorizationToken has no resource", "IAM5[Resource::*]")
        return definition

    def _function(
        self, environment: str, state_machine_arn: str, database_secret: secretsmanager.ISecret
    ) -> lambda_.Function:
        stack, name, log_group = Stack.of(self), self._names.migration, self._log_group("FunctionLogs", "function")
        role = LambdaRole(self, "Role", function_name=name, log_group=log_group, is_in_vpc=True)
        tasks = self._names.migration_log_groups["tasks"]
        streams = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"{tasks}:*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        own_stack = stack.format_arn(
            service="cloudformation", resource="stack", resource_name=f"{self._names.stack('service')}/*"
        )
        for action, resource in (
            ("states:StartExecution", state_machine_arn),
            ("logs:GetLogEvents", streams),
            ("cloudformation:DescribeStacks", own_stack),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
        acknowledge(role, "Each task has its own log stream", f"IAM5[Resource::{streams}]")
        acknowledge(role, "One stack; AWS chooses the end of its ARN", f"IAM5[Resource::{own_stack}]")
        database_secret.grant_read(role)
        return lambda_.Function(
            self,
            "Function",
            function_name=name,
            description="Starts the application's migrations for CloudFormation, and responds when they have ended",
            runtime=lambda_.Runtime(f"python{'.'.join(map(str, RUNTIME))}", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_package(),
            handler="ops_lambdas.migration.function.handler",
            role=role,
            memory_size=256,
            timeout=Duration.minutes(1),
            environment={
                "POWERTOOLS_SERVICE_NAME": "migration",
                "POWERTOOLS_LOG_LEVEL": "INFO",
                "ENVIRONMENT": environment,
                "STATE_MACHINE_ARN": state_machine_arn,
                "DATABASE_SECRET_ARN": database_secret.secret_arn,
                "TASK_LOG_GROUP": tasks,
                "CONTAINER": CONTAINER,
            },
            vpc=self._network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            security_groups=[self._network.checks_group],
            log_group=log_group,
        )

    def _state_machine(
        self, definition: ecs.FargateTaskDefinition, function: lambda_.Function
    ) -> stepfunctions.StateMachine:
        stack, names, network = Stack.of(self), self._names, self._network
        role_check = stack.format_arn(
            service="lambda",
            resource="function",
            resource_name=names.check("database_role"),
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        snapshots = f"{names.database}-before"
        subnets = network.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS).subnet_ids
        states = migration_states(
            run_task={
                "Cluster": self._cluster.cluster_arn,
                "TaskDefinition": definition.task_definition_arn,
                "LaunchType": "FARGATE",
                "NetworkConfiguration": {
                    "AwsvpcConfiguration": {
                        "Subnets": subnets,
                        "SecurityGroups": [network.service_group.security_group_id],
                        "AssignPublicIp": "DISABLED",
                    }
                },
            },
            container=CONTAINER,
            function_arn=function.function_arn,
            role_check_arn=role_check,
            database=names.database,
            snapshot_prefix=snapshots,
        )
        role = iam.Role(
            self,
            "StateMachineRole",
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": stack.account}}
            ),
        )
        self._allow(role, definition, [function.function_arn, role_check], snapshots)
        log_group = self._log_group("StateLogs", "states")
        state_machine = stepfunctions.StateMachine(
            self,
            "StateMachine",
            state_machine_name=names.migration,
            definition_body=stepfunctions.DefinitionBody.from_string(stack.to_json_string(states)),
            role=role,
            # Without the data: CloudFormation's request has a signed URL.
            logs=stepfunctions.LogOptions(
                destination=log_group, level=stepfunctions.LogLevel.ALL, include_execution_data=False
            ),
        )
        state_machine.node.add_dependency(role)
        acknowledge(state_machine, "A few executions a month; their log says what they did", "SF2")
        acknowledge(role, "Delivering logs has no resources", "IAM5[Resource::*]")
        return state_machine

    def _allow(
        self, role: iam.Role, definition: ecs.FargateTaskDefinition, functions: list[str], snapshots: str
    ) -> None:
        """What the states do. https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html#connect-ecs-iam"""
        stack = Stack.of(self)
        tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{self._names.cluster}/*")
        rule = stack.format_arn(service="events", resource="rule", resource_name="StepFunctionsGetEventsForECSTaskRule")
        database, snapshot = (
            stack.format_arn(
                service="rds", resource=resource, resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
            )
            for resource, name in (("db", self._names.database), ("snapshot", f"{snapshots}-*"))
        )
        roles = [one.role_arn for one in (definition.task_role, definition.execution_role) if one]
        for actions, resources in (
            (["ecs:RunTask"], [definition.task_definition_arn]),
            (["ecs:StopTask", "ecs:DescribeTasks"], [tasks]),
            (["events:PutTargets", "events:PutRule", "events:DescribeRule"], [rule]),
            (["lambda:InvokeFunction"], functions),
            (["rds:CreateDBSnapshot"], [database, snapshot]),
            (["rds:DescribeDBSnapshots"], [database, snapshot]),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=roles,
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            )
        )
        for resource in (tasks, snapshot):
            acknowledge(role, "Tasks and snapshots of this environment", f"IAM5[Resource::{resource}]")
