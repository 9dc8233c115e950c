"""The ECS service that runs the application's tasks, and its cluster."""

from collections.abc import Sequence

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from application import Container
from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.network.vpc import Network
from environment_parts import OffHours, Scaling
from names import Names

SCALE_OUT_COOLDOWN = Duration.seconds(60)
SCALE_IN_COOLDOWN = Duration.seconds(300)


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
            container_insights_v2=ecs.ContainerInsights.DISABLED,
        )
        acknowledge(self.cluster, "Its metrics cost more than those of the check `containers` (decision 20)", "ECS4")
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
        self.service.node.add_dependency(self._capacity_providers(list(weights)))
        if task_definition.execution_role:
            self.service.node.add_dependency(task_definition.execution_role)  # and its policy: it pulls the images
        target_group.add_target(
            self.service.load_balancer_target(container_name=load_balanced.name, container_port=load_balanced.port)
        )
        self.scaling = _scale(self.service, scaling)

    def _capacity_providers(self, names: list[str]) -> ecs.CfnClusterCapacityProviderAssociations:
        """The cluster's capacity providers, on which the service depends.

        With the cluster's own `enable_fargate_capacity_providers` it could not; then they are deleted first, which ECS
        refuses while a service uses them.
        """
        return ecs.CfnClusterCapacityProviderAssociations(
            self,
            "CapacityProviders",
            cluster=self.cluster.cluster_name,
            capacity_providers=names,
            default_capacity_provider_strategy=[],
        )


def _scale(service: ecs.FargateService, scaling: Scaling) -> ecs.ScalableTaskCount:
    """Scale `service` between its minimum and maximum of tasks, by its CPU and memory targets."""
    tasks = service.auto_scale_task_count(min_capacity=scaling.min_tasks, max_capacity=scaling.max_tasks)
    tasks.scale_on_cpu_utilization(
        "Cpu",
        target_utilization_percent=scaling.cpu_target_percent,
        scale_out_cooldown=SCALE_OUT_COOLDOWN,
        scale_in_cooldown=SCALE_IN_COOLDOWN,
    )
    tasks.scale_on_memory_utilization(
        "Memory",
        target_utilization_percent=scaling.memory_target_percent,
        scale_out_cooldown=SCALE_OUT_COOLDOWN,
        scale_in_cooldown=SCALE_IN_COOLDOWN,
    )
    if scaling.off_hours:
        _stop_in_off_hours(tasks, scaling, scaling.off_hours)
    return tasks


def _stop_in_off_hours(tasks: ecs.ScalableTaskCount, scaling: Scaling, off_hours: OffHours) -> None:
    zone = TimeZone.of(off_hours.time_zone)
    tasks.scale_on_schedule(
        "Stop",
        schedule=autoscaling.Schedule.cron(hour=str(off_hours.stop_hour), minute="0"),
        time_zone=zone,
        min_capacity=0,
        max_capacity=0,
    )
    tasks.scale_on_schedule(
        "Start",
        schedule=autoscaling.Schedule.cron(
            hour=str(off_hours.start_hour), minute="0", week_day=",".join(off_hours.start_days)
        ),
        time_zone=zone,
        min_capacity=scaling.min_tasks,
        max_capacity=scaling.max_tasks,
    )
