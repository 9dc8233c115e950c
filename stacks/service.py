"""The -service stack."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from application import DATABASE_SECRET, FIVE_POOLS, Known
from constructs import Construct
from constructs.alarms.deployment_alarms import rollback_alarms
from constructs.database.instances import Database
from constructs.migration.migration import Migration
from constructs.network.vpc import Network
from constructs.secrets.application_secrets import ApplicationSecrets
from constructs.service.application_service import ApplicationService
from constructs.service.application_task import ApplicationTask
from constructs.service.load_balancer import LoadBalancer
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
        secrets: ApplicationSecrets,
        database: Database,
        configuration_bucket: s3.IBucket,
        access_logs: s3.IBucket,
    ) -> None:
        super().__init__(scope, environment)
        names = environment.names
        self.front = self._front(environment, network, access_logs)
        images = {  # by their fixed names: exports would keep each from being taken out
            image: ecr.Repository.from_repository_name(self, image, names.repository(image))
            for image in dict.fromkeys(container.repository for container in environment.containers)
        }
        task = ApplicationTask(
            self,
            "Task",
            family=names.task_family,
            cpu=environment.task_cpu,
            memory_mib=environment.task_memory_mib,
            architecture=environment.architecture,
            containers=environment.containers,
            image_tag=environment.image_tag,
            repositories=images,
            secrets={**secrets.by_name, DATABASE_SECRET: database.secret},
            wallets=environment.wallets,
            values=_values(environment, self.front.url),
            configuration_bucket=configuration_bucket,
            log_group=logs.LogGroup.from_log_group_name(self, "Logs", names.service_log_group),
        )
        self.service = ApplicationService(
            self,
            "Service",
            names=names,
            network=network,
            task_definition=task.definition,
            load_balanced=environment.load_balanced,
            target_group=self.front.target_group,
            scaling=environment.scaling,
            # With off-hours, having no healthy target does not mean that the version is bad.
            deployment_alarms=() if environment.off_hours else rollback_alarms(names),
        )
        if environment.site:
            migration = self._migration(environment, network, images[environment.site.repository], database)
            self.service.service.node.add_dependency(migration.resource)
        self._output(task)

    def _front(self, environment: Environment, network: Network, access_logs: s3.IBucket) -> LoadBalancer:
        return LoadBalancer(
            self,
            "LoadBalancer",
            name=environment.names.load_balancer,
            network=network,
            load_balanced=environment.load_balanced,
            domain=environment.domain,
            hosted_zone_id=environment.hosted_zone_id,
            has_record=environment.has_site_record,
            serving_alarm=(environment.names.serving_alarm, environment.recovery_region)
            if environment.standby_load_balancer
            else None,
            is_home=environment.region == environment.home_region,
            access_logs=access_logs,
        )

    def _migration(
        self, environment: Environment, network: Network, image: ecr.IRepository, database: Database
    ) -> Migration:
        return Migration(
            self,
            "Migration",
            environment=environment.name,
            names=environment.names,
            network=network,
            cluster=self.service.cluster,
            image=image,
            image_tag=environment.image_tag,
            architecture=environment.architecture,
            database_secret=database.secret,
        )

    def _output(self, task: ApplicationTask) -> None:
        cdk.CfnOutput(self, "SiteUrl", value=self.front.url)
        cdk.CfnOutput(self, "LoadBalancerName", value=self.front.load_balancer.load_balancer_dns_name)
        cdk.CfnOutput(self, "ClusterName", value=self.service.cluster.cluster_name)
        cdk.CfnOutput(self, "ServiceName", value=self.service.service.service_name)
        cdk.CfnOutput(self, "TaskDefinition", value=task.definition.task_definition_arn)


def _values(environment: Environment, site_url: str) -> dict[Known, str]:
    return {
        Known.POOLS: ",".join(environment.pools),
        Known.HAS_FIVE_POOLS: "true" if environment.pools == FIVE_POOLS else "false",
        Known.REGION: environment.region,
        Known.SITE_URL: site_url,
    }
