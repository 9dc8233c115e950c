"""The database and its replica on the dashboard."""

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs.dashboard_widgets import (
    AVERAGE,
    MAXIMUM,
    MINIMUM,
    Hue,
    Part,
    Source,
    expression,
    graph,
    line,
    target_line,
)

GIB = 1024**3


class DatabaseWidgets:
    """CPU, connections, memory, storage, latency and, where there is one, the replica.

    Args:
        max_connections: that its class admits.
        is_burstable: its class has CPU credits.
    """

    def __init__(
        self, *, instance: str, replica: str | None, max_connections: int, is_burstable: bool, cpu_limit_percent: int
    ) -> None:
        self._instance = Source("AWS/RDS", {"DBInstanceIdentifier": instance})
        self._replica = Source("AWS/RDS", {"DBInstanceIdentifier": replica}) if replica else None
        self._max_connections = max_connections
        self._is_burstable = is_burstable
        self._cpu_limit_percent = cpu_limit_percent

    def key_graphs(self) -> list[Part]:
        """CPU, with the runbook's target."""
        return [
            graph(
                "Database: CPU, %",
                *self._both("CPUUtilization", AVERAGE),
                lines=[target_line(self._cpu_limit_percent, " %")],
                max_value=100,
            )
        ]

    def now(self) -> list[cloudwatch.IMetric]:
        """Numbers without a target that the runbook says to watch."""
        return [
            self._instance("DatabaseConnections", MAXIMUM, "Database connections", Hue.BLUE),
            self._free_storage("Free storage, GiB", Hue.BLUE),
            *([self._replica("ReplicaLag", MAXIMUM, "Replica lag, s", Hue.ORANGE)] if self._replica else []),
        ]

    def resources(self) -> list[Part]:
        """What can run out."""
        return [
            graph(
                "Connections",
                *self._both("DatabaseConnections", MAXIMUM),
                lines=[line(self._max_connections, f"at most {self._max_connections}")],
            ),
            graph("Free storage, GiB", self._free_storage("database", Hue.BLUE)),
            graph(
                "Memory, GiB",
                _gib("free", Hue.BLUE, self._instance("FreeableMemory", MINIMUM, "free")),
                _gib("swapped", Hue.ORANGE, self._instance("SwapUsage", MAXIMUM, "swapped")),
            ),
            *([graph("CPU credits", *self._both("CPUCreditBalance", MINIMUM))] if self._is_burstable else []),
        ]

    def work(self) -> list[Part]:
        """What it is busy with."""
        return [
            graph(
                "Sessions at work",
                self._instance("DBLoadCPU", AVERAGE, "on the CPU", Hue.GREEN),
                self._instance("DBLoadNonCPU", AVERAGE, "waiting", Hue.ORANGE),
                is_stacked=True,
            ),
            graph(
                "Latency of the storage, ms",
                expression("1000 * read", "read", Hue.SKY, {"read": self._instance("ReadLatency", AVERAGE, "read")}),
                expression(
                    "1000 * write", "write", Hue.PURPLE, {"write": self._instance("WriteLatency", AVERAGE, "write")}
                ),
            ),
            graph(
                "Operations of the storage, per second",
                self._instance("ReadIOPS", AVERAGE, "read", Hue.SKY),
                self._instance("WriteIOPS", AVERAGE, "write", Hue.PURPLE),
            ),
            *(
                [graph("Replica lag, s", self._replica("ReplicaLag", MAXIMUM, "replica", Hue.ORANGE))]
                if self._replica
                else []
            ),
        ]

    def _both(self, name: str, statistic: str) -> list[cloudwatch.IMetric]:
        replica = [self._replica(name, statistic, "replica", Hue.ORANGE)] if self._replica else []
        return [self._instance(name, statistic, "database", Hue.BLUE), *replica]

    def _free_storage(self, label: str, color: str) -> cloudwatch.IMetric:
        return _gib(label, color, self._instance("FreeStorageSpace", MINIMUM, label))


def _gib(label: str, color: str, metric: cloudwatch.Metric) -> cloudwatch.MathExpression:
    name = _id(metric)
    return expression(f"{name} / {GIB}", label, color, {name: metric})


def _milliseconds(label: str, color: str, metric: cloudwatch.Metric) -> cloudwatch.MathExpression:
    name = _id(metric)
    return expression(f"1000 * {name}", label, color, {name: metric})


def _id(metric: cloudwatch.Metric) -> str:
    return metric.metric_name[0].lower() + metric.metric_name[1:]
