"""The ECS service that runs the application's tasks, and its cluster."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from application import Container
from constructs import Construct
from constructs.network.vpc import Network
from constructs.service.autoscaling import scale
from environment_parts import Scaling
from names import Names


class ApplicationService(Construct):
    """A Fargate service in its own cluster, behind `target_group`.

    The template has no desired count: autoscaling owns it, and a deployment does not change it.

    Args:
        load_balanced: the container that joins the target group.
        deployment_alarms: names of alarms that end a deployment and roll it back; they may be created later.
    Attributes: cluster, service, scaling.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        names: Names,
        network: Network,
        task_definition: ecs.FargateTaskDefinition,
        load_balanced: Container,
        target_group: elbv2.ApplicationTargetGroup,
        scaling: Scaling,
        deployment_alarms: Sequence[str],
    ) -> None:
        super().__init__(scope, id)
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=names.cluster,
            vpc=network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            enable_fargate_capacity_providers=True,
        )
        weights = {"FARGATE": scaling.fargate_weight, "FARGATE_SPOT": scaling.spot_weight}
        rollback = ecs.AlarmBehavior.ROLLBACK_ON_ALARM
        self.service = ecs.FargateService(
            self,
            "Service",
            service_name=names.service,
            cluster=self.cluster,
            task_definition=task_definition,
            security_groups=[network.service_group],
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            assign_public_ip=False,
            capacity_provider_strategies=[
                ecs.CapacityProviderStrategy(capacity_provider=provider, weight=weight)
                for provider, weight in weights.items()
                if weight
            ],
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            deployment_alarms=ecs.DeploymentAlarmConfig(alarm_names=list(deployment_alarms), behavior=rollback)
            if deployment_alarms
            else None,
            min_healthy_percent=100,
            max_healthy_percent=200,
            # Coral takes up to 60 s, then the site starts, then two checks of 30 s.
            health_check_grace_period=Duration.seconds(150),
            availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.ENABLED,
            enable_ecs_managed_tags=True,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        target_group.add_target(
            self.service.load_balancer_target(container_name=load_balanced.name, container_port=load_balanced.port)
        )
        self.scaling = scale(self.service, scaling)
