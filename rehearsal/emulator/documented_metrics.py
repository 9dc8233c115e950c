"""The metrics that AWS publishes, by its documentation, and which of them only when there is something to count."""

# Namespace → (dimensions, names), one entry for each set of dimensions that we look at.
AWS: dict[str, list[tuple[set[str], set[str]]]] = {
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
    "AWS/ECS": [({"ClusterName", "ServiceName"}, {"CPUUtilization", "MemoryUtilization"})],
    # https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-cloudwatch.html
    "AWS/Route53": [
        (
            {"HealthCheckId"},
            {
                *("HealthCheckStatus", "HealthCheckPercentageHealthy", "ConnectionTime", "SSLHandshakeTime"),
                "TimeToFirstByte",
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
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
    "AWS/States": [
        (
            {"StateMachineArn"},
            {"ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionTime"},
        ),
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

# "Reporting criteria: There is a nonzero value", from the load balancer's page above: these are not published of a
# load balancer that had no request and no error. Nor are failures of executions that did not fail.
ONLY_NONZERO = {
    *("ExecutionsFailed", "ExecutionsTimedOut"),
    *(name for _, names in AWS["AWS/ApplicationELB"] for name in names if name.startswith("HTTPCode_")),
    *("RequestCount", "RequestCountPerTarget", "TargetResponseTime", "RejectedConnectionCount"),
    *("ClientTLSNegotiationErrorCount", "TargetConnectionErrorCount", "TargetTLSNegotiationErrorCount"),
}
