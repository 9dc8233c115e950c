"""Which metrics exist: those that the checks publish, and AWS's, by its documentation."""

import contextlib
import io
import json
from functools import cache

from names import CHECKS
from tests.expectations import expectation

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
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
    "AWS/States": [
        (
            {"StateMachineArn"},
            {"ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionTime"},
        ),
    ],
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


@cache
def published_by(check: str) -> tuple[tuple[str, frozenset[str], frozenset[str]], ...]:
    """Namespace, dimensions and names of what a check publishes, a line of log each."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        expectation(check, "publish_every_metric")(ENVIRONMENT)
    found = []
    for line in output.getvalue().splitlines():
        content = json.loads(line)
        assert content["Environment"] == ENVIRONMENT
        for directive in content["_aws"]["CloudWatchMetrics"]:
            names = frozenset(metric["Name"] for metric in directive["Metrics"])
            found += [(directive["Namespace"], frozenset(keys), names) for keys in directive["Dimensions"]]
    return tuple(found)


def ours() -> dict[str, list[tuple[set[str], set[str]]]]:
    """Namespace → (dimensions, names) of every metric that the checks publish."""
    found: dict[str, list[tuple[set[str], set[str]]]] = {}
    for check in CHECKS:
        for namespace, keys, names in published_by(check):
            found.setdefault(namespace, []).append((set(keys), set(names)))
    return found
