"""Metrics that AWS publishes: namespace → (metrics, sets of dimensions, source)."""

INSIGHTS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html"
SERVICE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html"
LOAD_BALANCER = (
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html"
)
DATABASE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html"
DATABASE_LOAD = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.Cloudwatch.html"
FUNCTION = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
QUEUE = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
)
TOPIC = "https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html"

_TARGETS = frozenset({"LoadBalancer", "TargetGroup"})
_SERVICE = frozenset({"ClusterName", "ServiceName"})

# (namespace, metric) → dimensions that one datum has together, and where AWS says so.
AWS_METRICS: dict[tuple[str, str], tuple[frozenset[str], str]] = {
    ("ECS/ContainerInsights", "RunningTaskCount"): (_SERVICE, INSIGHTS),
    ("ECS/ContainerInsights", "DesiredTaskCount"): (_SERVICE, INSIGHTS),
    ("ECS/ContainerInsights", "DeploymentCount"): (_SERVICE, INSIGHTS),
    ("AWS/ECS", "CPUUtilization"): (_SERVICE, SERVICE),
    ("AWS/ECS", "MemoryUtilization"): (_SERVICE, SERVICE),
    ("AWS/ApplicationELB", "HealthyHostCount"): (_TARGETS, LOAD_BALANCER),
    ("AWS/ApplicationELB", "UnHealthyHostCount"): (_TARGETS, LOAD_BALANCER),
    ("AWS/ApplicationELB", "RequestCount"): (_TARGETS, LOAD_BALANCER),
    ("AWS/ApplicationELB", "TargetResponseTime"): (_TARGETS, LOAD_BALANCER),
    ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"): (_TARGETS, LOAD_BALANCER),
    ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count"): (frozenset({"LoadBalancer"}), LOAD_BALANCER),
    ("AWS/RDS", "CPUUtilization"): (frozenset({"DBInstanceIdentifier"}), DATABASE),
    ("AWS/RDS", "DatabaseConnections"): (frozenset({"DBInstanceIdentifier"}), DATABASE),
    ("AWS/RDS", "FreeStorageSpace"): (frozenset({"DBInstanceIdentifier"}), DATABASE),
    ("AWS/RDS", "ReplicaLag"): (frozenset({"DBInstanceIdentifier"}), DATABASE),
    ("AWS/RDS", "DBLoad"): (frozenset({"DBInstanceIdentifier"}), DATABASE_LOAD),
    ("AWS/Lambda", "Errors"): (frozenset({"FunctionName"}), FUNCTION),
    ("AWS/Lambda", "Invocations"): (frozenset({"FunctionName"}), FUNCTION),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): (frozenset({"QueueName"}), QUEUE),
    ("AWS/SNS", "NumberOfNotificationsFailed"): (frozenset({"TopicName"}), TOPIC),
}
