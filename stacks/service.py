"""The -service stack."""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from application import DATABASE_SECRET
from constructs import Construct
from constructs.acknowledge import acknowledge
from constructs.application_secrets import ApplicationSecrets
from constructs.application_service import ApplicationService
from constructs.application_task import ApplicationTask
from constructs.database import Database
from constructs.load_balancer import LoadBalancer
from constructs.log_group import LogGroup
from constructs.network import Network
from constructs.registry import Registry
from constructs.severity_alarm import deployment_alarms
from environment import Environment
from stacks.base import EnvironmentStack


class ServiceStack(EnvironmentStack):
    """Cluster, task, service, autoscaling and load balancer."""

    layer = "service"

    def __init__(
        self,
        scope: Construct,
        environment: Environment,
        *,
        network: Network,
        registry: Registry,
        secrets: ApplicationSecrets,
        database: Database,
        configuration_bucket: s3.IBucket,
        access_logs: s3.IBucket,
    ) -> None:
        super().__init__(scope, environment)
        self.front = LoadBalancer(
            self,
            "LoadBalancer",
            name=environment.prefix,
            vpc=network.vpc,
            security_group=network.load_balancer_group,
            load_balanced=environment.load_balanced,
            domain=environment.domain,
            hosted_zone_id=environment.hosted_zone_id,
            is_home=environment.region == environment.home_region,
            access_logs=access_logs,
            is_protected=environment.is_protected,
        )
        self.log_group = LogGroup(
            self,
            "Logs",
            name=f"/ecs/{environment.prefix}",
            retention_days=environment.log_retention_days,
            removal_policy=self.removal_policy,
        )
        task = ApplicationTask(
            self,
            "Task",
            family=f"{environment.prefix}-task",
            cpu=environment.task_cpu,
            memory_mib=environment.task_memory_mib,
            containers=environment.containers,
            image_tag=environment.image_tag,
            repositories=registry.repositories,
            secrets={**secrets.by_name, DATABASE_SECRET: database.secret},
            configuration_bucket=configuration_bucket,
            log_group=self.log_group,
        )
        bucket_arn = f"{environment.prefix}-data:ExportsOutputFnGetAttConfiguration6A36F2CEArn2EC35749"
        acknowledge(task, "Every object of the configuration bucket", f"IAM5[Resource::{bucket_arn}/*]")
        self.service = ApplicationService(
            self,
            "Service",
            prefix=environment.prefix,
            vpc=network.vpc,
            security_group=network.service_group,
            task_definition=task.definition,
            load_balanced=environment.load_balanced,
            target_group=self.front.target_group,
            min_tasks=environment.min_tasks,
            max_tasks=environment.max_tasks,
            cpu_target_percent=environment.cpu_target_percent,
            memory_target_percent=environment.memory_target_percent,
            fargate_weight=environment.fargate_weight,
            spot_weight=environment.spot_weight,
            off_hours=environment.off_hours,
            # Where tasks stand still at times, no healthy target is no sign of a bad version.
            deployment_alarms=() if environment.off_hours else deployment_alarms(environment.prefix),
        )
        cdk.CfnOutput(self, "SiteUrl", value=self.front.url)
        cdk.CfnOutput(self, "LoadBalancerName", value=self.front.load_balancer.load_balancer_dns_name)
        cdk.CfnOutput(self, "ClusterName", value=self.service.cluster.cluster_name)
        cdk.CfnOutput(self, "ServiceName", value=self.service.service.service_name)
        cdk.CfnOutput(self, "TaskDefinition", value=task.definition.task_definition_arn)
