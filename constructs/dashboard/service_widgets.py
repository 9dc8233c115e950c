"""Service and load balancer on the dashboard."""

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs.alarms.outage_alarms import MIN_HEALTHY_TARGETS
from constructs.alarms.service_alarms import TARGET_ERROR_PERCENT, TARGET_P95_SECONDS
from constructs.common.cloudwatch_metrics import AVERAGE, MAXIMUM, MINIMUM, NAMESPACE, P50, P95, P99, SAMPLES, SUM
from constructs.dashboard.widgets import Hue, Part, Source, expression, graph, line, target_line
from constructs.service.load_balancer import LoadBalancer
from environment_parts import Scaling
from names import Names


class ServiceWidgets:
    """Tasks, requests, errors and response times."""

    def __init__(self, *, environment: str, names: Names, front: LoadBalancer, scaling: Scaling) -> None:
        dimensions = {"ClusterName": names.cluster, "ServiceName": names.service}
        self._usage = Source("AWS/ECS", dimensions)
        self._checked = Source(NAMESPACE, {"Environment": environment})
        load_balancer = front.load_balancer.load_balancer_full_name
        target_group = front.target_group.target_group_full_name
        self._balancer = Source("AWS/ApplicationELB", {"LoadBalancer": load_balancer})
        self._targets = Source("AWS/ApplicationELB", {"LoadBalancer": load_balancer, "TargetGroup": target_group})
        self._cpu_line = target_line(scaling.cpu_target_percent, " %")
        self._memory_line = target_line(scaling.memory_target_percent, " %")

    def key_graphs(self) -> list[Part]:
        """The graphs with a target: CPU, memory, p95, errors."""
        return [
            graph(
                "Tasks: CPU, %",
                self._usage("CPUUtilization", AVERAGE, "average", Hue.BLUE),
                lines=[self._cpu_line],
                max_value=100,
            ),
            graph(
                "Tasks: memory, %",
                self._usage("MemoryUtilization", AVERAGE, "average", Hue.BLUE),
                lines=[self._memory_line],
                max_value=100,
            ),
            graph(
                "Response time p95, s",
                self._balancer("TargetResponseTime", P95, P95, Hue.BLUE),
                lines=[target_line(TARGET_P95_SECONDS, " s")],
            ),
            graph(
                "Error rate, %",
                self._error_percent(),
                lines=[target_line(TARGET_ERROR_PERCENT, " %")],
            ),
        ]

    def now(self) -> list[cloudwatch.IMetric]:
        """Numbers without a target that the runbook says to watch."""
        return [
            self._running("Running tasks", Hue.BLUE),
            self._targets("HealthyHostCount", MINIMUM, "Healthy targets", Hue.GREEN),
            self._per_minute("Requests per minute", Hue.BLUE),
        ]

    def tasks(self) -> list[Part]:
        """How many tasks there are, and how busy the busiest is."""
        return [
            graph(
                "Tasks",
                self._checked("DesiredTasks", MAXIMUM, "desired", Hue.GREY),
                self._running("running", Hue.GREEN),
            ),
            graph("Containers that do not run", self._checked("MissingContainers", MAXIMUM, "missing", Hue.RED)),
            graph("Deployments, 1 when steady", self._checked("Deployments", MAXIMUM, "deployments", Hue.PURPLE)),
            graph(
                "CPU of the tasks, %",
                self._usage("CPUUtilization", AVERAGE, "average", Hue.BLUE),
                self._usage("CPUUtilization", MAXIMUM, "busiest", Hue.SKY),
                lines=[self._cpu_line],
                max_value=100,
            ),
            graph(
                "Memory of the tasks, %",
                self._usage("MemoryUtilization", AVERAGE, "average", Hue.BLUE),
                self._usage("MemoryUtilization", MAXIMUM, "fullest", Hue.SKY),
                lines=[self._memory_line],
                max_value=100,
            ),
        ]

    def balancing(self) -> list[Part]:
        """Requests, errors by who made them, response times, targets."""
        return [
            graph(
                "Responses by status, per 5 minutes",
                self._balancer("HTTPCode_Target_2XX_Count", SUM, "2xx", Hue.GREEN),
                self._balancer("HTTPCode_Target_3XX_Count", SUM, "3xx", Hue.SKY),
                self._balancer("HTTPCode_Target_4XX_Count", SUM, "4xx", Hue.ORANGE),
                self._balancer("HTTPCode_Target_5XX_Count", SUM, "5xx", Hue.RED),
                is_stacked=True,
            ),
            graph(
                "Errors by origin, per 5 minutes",
                self._balancer("HTTPCode_Target_5XX_Count", SUM, "site, 5xx", Hue.RED),
                self._balancer("HTTPCode_ELB_5XX_Count", SUM, "load balancer, 5xx", Hue.ORANGE),
                self._balancer("TargetConnectionErrorCount", SUM, "no connection", Hue.PURPLE),
                self._balancer("RejectedConnectionCount", SUM, "rejected", Hue.GREY),
            ),
            graph(
                "Response time, s",
                self._balancer("TargetResponseTime", P50, P50, Hue.SKY),
                self._balancer("TargetResponseTime", P95, P95, Hue.BLUE),
                self._balancer("TargetResponseTime", P99, P99, Hue.PURPLE),
                lines=[target_line(TARGET_P95_SECONDS, " s (p95)")],
            ),
            graph(
                "Targets",
                self._targets("HealthyHostCount", MINIMUM, "healthy", Hue.GREEN),
                self._targets("UnHealthyHostCount", MAXIMUM, "unhealthy", Hue.RED),
                lines=[line(MIN_HEALTHY_TARGETS, f"at least {MIN_HEALTHY_TARGETS}")],
            ),
        ]

    def _running(self, label: str, color: str) -> cloudwatch.MathExpression:
        """As `running_tasks` counts them: ECS sends a value a minute for each task."""
        samples = self._usage("CPUUtilization", SAMPLES, "samples")
        return expression("60 * samples / PERIOD(samples)", label, color, {"samples": samples})

    def _per_minute(self, label: str, color: str) -> cloudwatch.MathExpression:
        return expression(
            "60 * requests / PERIOD(requests)",
            label,
            color,
            {"requests": self._balancer("RequestCount", SUM, "requests")},
        )

    def _error_percent(self) -> cloudwatch.MathExpression:
        """As the alarms count it, however few the requests."""
        every = "(FILL(requests, 0) + FILL(balancer, 0))"
        return expression(
            f"IF({every} > 0, 100 * (FILL(site, 0) + FILL(balancer, 0)) / {every}, 0)",
            "errors",
            Hue.RED,
            {
                "requests": self._balancer("RequestCount", SUM, "requests"),
                "site": self._balancer("HTTPCode_Target_5XX_Count", SUM, "site"),
                "balancer": self._balancer("HTTPCode_ELB_5XX_Count", SUM, "load balancer"),
            },
        )
