"""Which metrics exist: those of our checks, found by letting them publish, and AWS's, by its documentation."""

import contextlib
import io
import json
from types import SimpleNamespace
from typing import Any, cast

from ops_lambdas.cost_report.publication import publish_costs
from ops_lambdas.housekeeping import publication as housekeeping
from ops_lambdas.housekeeping.core import Backup, SecretAge, Subscribers
from ops_lambdas.pool_health.core import PoolHealth, PoolLoad
from ops_lambdas.pool_health.publication import publish_pools, publish_reach
from ops_lambdas.pool_health.site import Site
from ops_lambdas.session_cleanup.cleanup import Cleanup
from ops_lambdas.thread_cleanup import telling

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
    """Namespace → (dimensions, names) that the checks publish: all that they know, so nothing is left out."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        for publish in (_pool_health, _session_cleanup, _thread_cleanup, _cost_report, _housekeeping):
            publish()
    found: dict[str, list[tuple[set[str], set[str]]]] = {}
    for line in output.getvalue().splitlines():
        content = json.loads(line)
        for directive in content["_aws"]["CloudWatchMetrics"]:
            assert content["Environment"] == ENVIRONMENT
            names = {metric["Name"] for metric in directive["Metrics"]}
            found.setdefault(directive["Namespace"], []).extend((set(keys), names) for keys in directive["Dimensions"])
    return found


def _pool_health() -> None:
    load = PoolLoad("pool-0", 1, 1, 2.5, True, 0, 0, oldest_open_session_minutes=1)
    publish_pools(ENVIRONMENT, PoolHealth((load,), 0, 1, 1, 1, 0, 0, False, None))
    site = Site(state="ok", latency_milliseconds=1.0)
    publish_reach(ENVIRONMENT, is_database_readable=True, site=site, agrees=True)


def _session_cleanup() -> None:
    sessions = SimpleNamespace(stale=1, ended=1, spared=0, left=0, unkept_threads=0)
    cleanup = SimpleNamespace(environment=ENVIRONMENT)
    Cleanup._publish(cast(Any, cleanup), cast(Any, sessions), cast(Any, SimpleNamespace(threads=1, left=0)))


def _thread_cleanup() -> None:
    outcomes = {"closed": 1, "failed": 0, "unreachable": 0, "out_of_time": 0}
    listing = SimpleNamespace(unreachable=[], answering=["a task"], held=[])
    judgement = SimpleNamespace(unknown=[])
    telling.metrics(
        ENVIRONMENT,
        cast(Any, SimpleNamespace(outcomes=outcomes, listing=listing, judgement=judgement, is_refused=False)),
    )


def _cost_report() -> None:
    costs = SimpleNamespace(total=1)
    services = [SimpleNamespace(service="a service", cost=1)]
    publish_costs(ENVIRONMENT, cast(Any, SimpleNamespace(costs=costs, total_forecast=1, services=services)))


def _housekeeping() -> None:
    housekeeping.publish_backup(ENVIRONMENT, Backup("available", True, 1))
    housekeeping.publish_subscribers(ENVIRONMENT, Subscribers(1, ()))
    housekeeping.publish_secrets(ENVIRONMENT, (SecretAge("a secret", 1, False),))
