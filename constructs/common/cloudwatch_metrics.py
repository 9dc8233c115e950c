"""Metrics under the names and dimensions that AWS and the checks publish them with."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_rds as rds

from names import Names

NAMESPACE = "PardonSimulator"  # as in ops_lambdas.shared.metrics, which imports libraries that synthesis does not need

MINUTE, FIVE_MINUTES, HOUR, DAY = Duration.minutes(1), Duration.minutes(5), Duration.hours(1), Duration.days(1)
AVERAGE, MAXIMUM, MINIMUM, SUM, SAMPLES = "Average", "Maximum", "Minimum", "Sum", "SampleCount"
P50, P95, P99 = "p50", "p95", "p99"


def running_tasks(names: Names, *, period: Duration) -> cloudwatch.Metric:
    """The service's running tasks, once for each minute of the period: ECS sends a value a minute for each task.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
    """
    return cloudwatch.Metric(
        namespace="AWS/ECS",
        metric_name="CPUUtilization",
        dimensions_map={"ClusterName": names.cluster, "ServiceName": names.service},
        period=period,
        statistic=SAMPLES,
    )


def check_metric(name: str, environment: str, *, period: Duration, statistic: str) -> cloudwatch.Metric:
    """A metric of a whole environment that a scheduled check publishes; the runbook lists them."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"Environment": environment},
        period=period,
        statistic=statistic,
    )


def database_metric(
    name: str, instance: rds.IDatabaseInstance, *, period: Duration, statistic: str
) -> cloudwatch.Metric:
    """A metric that RDS publishes of one instance."""
    return cloudwatch.Metric(
        namespace="AWS/RDS",
        metric_name=name,
        dimensions_map={"DBInstanceIdentifier": instance.instance_identifier},
        period=period,
        statistic=statistic,
    )
