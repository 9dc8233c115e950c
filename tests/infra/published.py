"""Which metrics exist: those of our checks, found by publishing them, and AWS's, by its documentation."""

import contextlib
import importlib
import io
import json
from pathlib import Path

ENVIRONMENT = "some-environment"

# Namespace → (dimensions, names), one entry for each set of dimensions that we look at.
AWS: dict[str, list[tuple[set[str], set[str]]]] = {
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
    "AWS/ECS": [({"ClusterName", "ServiceName"}, {"CPUUtilization", "MemoryUtilization"})],
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
    "ECS/ContainerInsights": [
        (
            {"ClusterName", "ServiceName"},
            {
                *("CpuReserved", "CpuUtilized", "MemoryReserved", "MemoryUtilized", "NetworkRxBytes", "NetworkTxBytes"),
                *("DeploymentCount", "DesiredTaskCount", "PendingTaskCount", "RunningTaskCount", "TaskSetCount"),
                *("EphemeralStorageReserved", "EphemeralStorageUtilized", "StorageReadBytes", "StorageWriteBytes"),
            },
        )
    ],
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    "AWS/ApplicationELB": [
        (
            {"LoadBalancer"},
            {
                *("ActiveConnectionCount", "NewConnectionCount", "RejectedConnectionCount", "ProcessedBytes"),
                *("ClientTLSNegotiationErrorCount", "TargetConnectionErrorCount", "TargetTLSNegotiationErrorCount"),
                *("HTTPCode_ELB_3XX_Count", "HTTPCode_ELB_4XX_Count", "HTTPCode_ELB_5XX_Count", "ConsumedLCUs"),
                *("HTTPCode_ELB_500_Count", "HTTPCode_ELB_502_Count", "HTTPCode_ELB_503_Count"),
                *("HTTPCode_ELB_504_Count", "RequestCount", "TargetResponseTime"),
                *(f"HTTPCode_Target_{n}XX_Count" for n in (2, 3, 4, 5)),
            },
        ),
        (
            {"LoadBalancer", "TargetGroup"},
            {
                *("HealthyHostCount", "UnHealthyHostCount", "RequestCount", "RequestCountPerTarget"),
                *("TargetConnectionErrorCount", "TargetResponseTime", "TargetTLSNegotiationErrorCount"),
                *(f"HTTPCode_Target_{n}XX_Count" for n in (2, 3, 4, 5)),
            },
        ),
    ],
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html, and for DBLoad
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.Cloudwatch.html
    "AWS/RDS": [
        (
            {"DBInstanceIdentifier"},
            {
                *("CPUUtilization", "CPUCreditBalance", "CPUCreditUsage", "DatabaseConnections", "DiskQueueDepth"),
                *("FreeStorageSpace", "FreeableMemory", "SwapUsage", "ReplicaLag", "OldestReplicationSlotLag"),
                *("ReadIOPS", "WriteIOPS", "ReadLatency", "WriteLatency", "ReadThroughput", "WriteThroughput"),
                *("MaximumUsedTransactionIDs", "TransactionLogsDiskUsage", "TransactionLogsGeneration"),
                *("DBLoad", "DBLoadCPU", "DBLoadNonCPU"),
            },
        )
    ],
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "AWS/Lambda": [
        (
            {"FunctionName"},
            {
                *("Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions", "DeadLetterErrors"),
                *("DestinationDeliveryFailures", "AsyncEventsReceived", "AsyncEventsDropped", "AsyncEventAge"),
            },
        )
    ],
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    "AWS/SQS": [
        (
            {"QueueName"},
            {
                *("ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"),
                *("ApproximateAgeOfOldestMessage", "NumberOfMessagesSent", "NumberOfMessagesDeleted"),
            },
        )
    ],
    # https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
    "AWS/SNS": [
        (
            {"TopicName"},
            {
                "NumberOfMessagesPublished",
                "NumberOfNotificationsDelivered",
                "NumberOfNotificationsFailed",
                "PublishSize",
            },
        )
    ],
}


def ours() -> dict[str, list[tuple[set[str], set[str]]]]:
    """Namespace → (dimensions, names) of every metric that the checks publish."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        for handler in sorted((Path(__file__).parents[2] / "ops_lambdas").glob("*/handler.py")):
            publish_every_metric(handler.parent.name)
    found: dict[str, list[tuple[set[str], set[str]]]] = {}
    for line in output.getvalue().splitlines():
        content = json.loads(line)
        for directive in content["_aws"]["CloudWatchMetrics"]:
            assert content["Environment"] == ENVIRONMENT
            names = {metric["Name"] for metric in directive["Metrics"]}
            found.setdefault(directive["Namespace"], []).extend((set(keys), names) for keys in directive["Dimensions"])
    return found


def publish_every_metric(check: str) -> None:
    """Let a check publish: its unit tests have the function for it."""
    name = f"tests.unit.test_{check}"
    needed = f"{name.replace('.', '/')}.py must have publish_every_metric(environment), which publishes every metric"
    try:
        tests = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise AssertionError(needed) from None
    assert hasattr(tests, "publish_every_metric"), needed
    tests.publish_every_metric(ENVIRONMENT)
