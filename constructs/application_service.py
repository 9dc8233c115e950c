"""The ECS service that keeps the application's tasks running, and scales them."""

from collections.abc import Sequence

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from application import Container
from constructs import Construct
from environment import OffHours

SCALE_OUT_COOLDOWN = Duration.seconds(60)
SCALE_IN_COOLDOWN = Duration.seconds(300)


class ApplicationService(Construct):
    """A Fargate service in a cluster of its own, behind `target_group`.

    The template holds no desired count: autoscaling owns it, and a deployment leaves it as it is.

    Args:
        prefix: of the names: `<prefix>-cluster`, `<prefix>-service`.
        load_balanced: the container that joins the target group.
        fargate_weight, spot_weight: how tasks are shared out between Fargate and Fargate Spot.
        off_hours: when no task runs, if ever.
        deployment_alarms: names of alarms that end a deployment and roll it back; they may be made later.
    Attributes: cluster, service, scaling; cluster_name, service_name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        task_definition: ecs.FargateTaskDefinition,
        load_balanced: Container,
        target_group: elbv2.ApplicationTargetGroup,
        min_tasks: int,
        max_tasks: int,
        cpu_target_percent: int,
        memory_target_percent: int,
        fargate_weight: int,
        spot_weight: int,
        off_hours: OffHours | None,
        deployment_alarms: Sequence[str],
    ) -> None:
        super().__init__(scope, id)
        self.cluster_name, self.service_name = f"{prefix}-cluster", f"{prefix}-service"
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=self.cluster_name,
            vpc=vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            enable_fargate_capacity_providers=True,
        )
        weights = {"FARGATE": fargate_weight, "FARGATE_SPOT": spot_weight}
        self.service = ecs.FargateService(
            self,
            "Service",
            service_name=self.service_name,
            cluster=self.cluster,
            task_definition=task_definition,
            security_groups=[security_group],
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            assign_public_ip=False,
            capacity_provider_strategies=[
                ecs.CapacityProviderStrategy(capacity_provider=provider, weight=weight)
                for provider, weight in weights.items()
                if weight
            ],
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            deployment_alarms=ecs.DeploymentAlarmConfig(
                alarm_names=list(deployment_alarms), behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM
            )
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
        self.scaling = self.service.auto_scale_task_count(min_capacity=min_tasks, max_capacity=max_tasks)
        self.scaling.scale_on_cpu_utilization(
            "Cpu",
            target_utilization_percent=cpu_target_percent,
            scale_out_cooldown=SCALE_OUT_COOLDOWN,
            scale_in_cooldown=SCALE_IN_COOLDOWN,
        )
        self.scaling.scale_on_memory_utilization(
            "Memory",
            target_utilization_percent=memory_target_percent,
            scale_out_cooldown=SCALE_OUT_COOLDOWN,
            scale_in_cooldown=SCALE_IN_COOLDOWN,
        )
        if off_hours:
            self._stand_still(off_hours, min_tasks, max_tasks)

    def _stand_still(self, off_hours: OffHours, min_tasks: int, max_tasks: int) -> None:
        zone = TimeZone.of(off_hours.time_zone)
        self.scaling.scale_on_schedule(
            "Stop",
            schedule=autoscaling.Schedule.cron(hour=str(off_hours.stop_hour), minute="0"),
            time_zone=zone,
            min_capacity=0,
            max_capacity=0,
        )
        self.scaling.scale_on_schedule(
            "Start",
            schedule=autoscaling.Schedule.cron(
                hour=str(off_hours.start_hour), minute="0", week_day=",".join(off_hours.start_days)
            ),
            time_zone=zone,
            min_capacity=min_tasks,
            max_capacity=max_tasks,
        )
