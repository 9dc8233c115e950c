"""The database and its replica on the dashboard."""

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs.alarms.database_alarms import CPU_LIMIT_PERCENT, GIB
from constructs.common.cloudwatch_metrics import AVERAGE, MAXIMUM, MINIMUM
from constructs.dashboard.widgets import Hue, Part, Source, expression, graph, line, target_line
from constructs.database.instances import Database
from environment_parts import DatabaseSize


class DatabaseWidgets:
    """CPU, connections, memory, storage, latency and, where there is one, the replica."""

    def __init__(self, *, database: Database, size: DatabaseSize) -> None:
        self._size = size
        self._instance = Source("AWS/RDS", {"DBInstanceIdentifier": database.instance.instance_identifier})
        replica = database.replica
        self._replica = Source("AWS/RDS", {"DBInstanceIdentifier": replica.instance_identifier}) if replica else None

    def key_graphs(self) -> list[Part]:
        """CPU, with the runbook's target."""
        return [
            graph(
                "Database: CPU, %",
                *self._both("CPUUtilization", AVERAGE),
                lines=[target_line(CPU_LIMIT_PERCENT, " %")],
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
                lines=[line(self._size.max_connections, f"at most {self._size.max_connections}")],
            ),
            graph("Free storage, GiB", self._free_storage("database", Hue.BLUE)),
            graph(
                "Memory, GiB",
                _gib("free", Hue.BLUE, self._instance("FreeableMemory", MINIMUM, "free")),
                _gib("swapped", Hue.ORANGE, self._instance("SwapUsage", MAXIMUM, "swapped")),
            ),
            *([graph("CPU credits", *self._both("CPUCreditBalance", MINIMUM))] if self._size.is_burstable else []),
        ]

    def work(self) -> list[Part]:
        """Active sessions, storage latency and operations, replica lag."""
        return [
            graph(
                "Active sessions",
                self._instance("DBLoadCPU", AVERAGE, "on the CPU", Hue.GREEN),
                self._instance("DBLoadNonCPU", AVERAGE, "waiting", Hue.ORANGE),
                is_stacked=True,
            ),
            graph(
                "Storage latency, ms",
                expression("1000 * read", "read", Hue.SKY, {"read": self._instance("ReadLatency", AVERAGE, "read")}),
                expression(
                    "1000 * write", "write", Hue.PURPLE, {"write": self._instance("WriteLatency", AVERAGE, "write")}
                ),
            ),
            graph(
                "Storage operations, per second",
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


def _id(metric: cloudwatch.Metric) -> str:
    return metric.metric_name[0].lower() + metric.metric_name[1:]
