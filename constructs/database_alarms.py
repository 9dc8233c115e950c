"""Alarms on the database."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_rds as rds
from aws_cdk import aws_sns as sns

from constructs import Construct
from constructs.severity_alarm import Severity, SeverityAlarm

CPU_LIMIT_PERCENT = 80  # the runbook's
# RDS grows storage when less than 10 % has been free for 5 minutes, and at most once in 6 hours, so a
# tenth of the first size is free unless growing has failed or reached its ceiling.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
MIN_FREE_SHARE = 0.1
GIB = 1024**3


class DatabaseAlarms(Construct):
    """CPU above the runbook's limit, and storage that runs out.

    Attributes: alarms.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        instance: rds.DatabaseInstance,
        storage_gib: int,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, id)
        self.alarms = [
            SeverityAlarm(
                self,
                "CpuHigh",
                prefix=prefix,
                severity=Severity.P2,
                name="database-cpu-high",
                description=f"the database has used over {CPU_LIMIT_PERCENT} % of its CPU for 15 minutes",
                metric=instance.metric_cpu_utilization(period=Duration.minutes(5), statistic=cloudwatch.Stats.AVERAGE),
                comparison=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                threshold=CPU_LIMIT_PERCENT,
                datapoints=(3, 3),
                missing_data=cloudwatch.TreatMissingData.BREACHING,
                topic=topic,
            ),
            SeverityAlarm(
                self,
                "StorageLow",
                prefix=prefix,
                severity=Severity.P2,
                name="database-storage-low",
                description=f"the database has had less than {MIN_FREE_SHARE * storage_gib:g} GiB free for 15 minutes:"
                " storage autoscaling has failed or reached its ceiling",
                metric=instance.metric_free_storage_space(
                    period=Duration.minutes(5), statistic=cloudwatch.Stats.MINIMUM
                ),
                comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                threshold=MIN_FREE_SHARE * storage_gib * GIB,
                datapoints=(3, 3),
                missing_data=cloudwatch.TreatMissingData.BREACHING,
                topic=topic,
            ),
        ]
