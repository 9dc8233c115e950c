"""Alarms on the service and its load balancer."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_sns as sns

from constructs import Construct
from constructs.severity_alarm import Severity, SeverityAlarm

MINUTE, FIVE_MINUTES = Duration.minutes(1), Duration.minutes(5)
ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


class ServiceAlarms(Construct):
    """No healthy target, unhealthy targets, CPU and memory above what autoscaling should hold.

    Attributes: alarms.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        service: ecs.FargateService,
        target_group: elbv2.ApplicationTargetGroup,
        cpu_target_percent: int,
        memory_target_percent: int,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, id)
        targets = target_group.metrics
        self.alarms = [
            SeverityAlarm(
                self,
                "NoHealthyTarget",
                prefix=prefix,
                severity=Severity.P1,
                name="no-healthy-target",
                description="no task has answered the load balancer's health check for 2 minutes: the site is down",
                metric=targets.healthy_host_count(period=MINUTE, statistic=cloudwatch.Stats.MINIMUM),
                comparison=BELOW,
                threshold=1,
                datapoints=(2, 2),
                missing_data=cloudwatch.TreatMissingData.BREACHING,
                topic=topic,
            ),
            SeverityAlarm(
                self,
                "UnhealthyTargets",
                prefix=prefix,
                severity=Severity.P2,
                name="unhealthy-targets",
                description="at least one task has failed the load balancer's health check for 5 minutes",
                metric=targets.unhealthy_host_count(period=MINUTE, statistic=cloudwatch.Stats.MAXIMUM),
                comparison=ABOVE,
                threshold=0,
                datapoints=(5, 5),
                # Silence is the other alarm's: without any target there is neither metric.
                missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
                topic=topic,
            ),
            SeverityAlarm(
                self,
                "CpuHigh",
                prefix=prefix,
                severity=Severity.P3,
                name="cpu-high",
                description=f"tasks have used over {cpu_target_percent} % of their CPU for 15 minutes:"
                " autoscaling does not keep up",
                metric=service.metric_cpu_utilization(period=FIVE_MINUTES, statistic=cloudwatch.Stats.AVERAGE),
                comparison=ABOVE,
                threshold=cpu_target_percent,
                datapoints=(3, 3),
                missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
                topic=topic,
            ),
            SeverityAlarm(
                self,
                "MemoryHigh",
                prefix=prefix,
                severity=Severity.P3,
                name="memory-high",
                description=f"tasks have used over {memory_target_percent} % of their memory for 15 minutes:"
                " autoscaling does not keep up",
                metric=service.metric_memory_utilization(period=FIVE_MINUTES, statistic=cloudwatch.Stats.AVERAGE),
                comparison=ABOVE,
                threshold=memory_target_percent,
                datapoints=(3, 3),
                missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
                topic=topic,
            ),
        ]
