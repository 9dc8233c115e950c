"""The pools on the dashboard: threads and sessions of each, and the totals."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs.common.cloudwatch_metrics import HOUR, MAXIMUM, NAMESPACE, SUM
from constructs.dashboard.widgets import Hue, Part, Source, expression, graph, line, search, target_line
from ops_lambdas.pool_health.core import SOFT_LIMIT_THREADS, UNHEALTHY_FROM_PERCENT


class PoolWidgets:
    """Each pool's threads and sessions against the limit, and all pools compared."""

    def __init__(self, *, environment: str, pools: Sequence[str]) -> None:
        self._environment, self._pools = environment, pools
        self._total = Source(NAMESPACE, {"Environment": environment})

    def now(self) -> list[cloudwatch.IMetric]:
        """Numbers that the runbook says to watch."""
        return [
            self._sum("ActiveSessions", "Active sessions"),
            self._total("TotalSessionsInUse", MAXIMUM, "Sessions in use", Hue.BLUE),
            self._sum("ActiveThreads", "Active threads"),
            self._total("UnhealthyPools", MAXIMUM, "Unhealthy pools", Hue.RED),
        ]

    def each(self) -> list[Part]:
        """A graph for each configured pool."""
        unhealthy = SOFT_LIMIT_THREADS * UNHEALTHY_FROM_PERCENT // 100
        lines = [
            line(SOFT_LIMIT_THREADS, f"limit: {SOFT_LIMIT_THREADS}", shading=cloudwatch.Shading.ABOVE),
            line(unhealthy, f"unhealthy from {unhealthy}", Hue.ORANGE),
        ]
        parts = []
        for name in self._pools:
            pool = self._of(name)
            threads = pool("ActiveThreads", MAXIMUM, "threads", Hue.BLUE)
            parts.append(graph(name, threads, pool("ActiveSessions", MAXIMUM, "sessions", Hue.GREEN), lines=lines))
        return parts

    def all(self) -> list[Part]:
        """Threads of all pools, those that only the database has together; stuck sessions, and ended ones."""
        return [
            graph(
                "Threads of each pool",
                search("ActiveThreads", "Pool", self._environment),
                lines=[target_line(SOFT_LIMIT_THREADS * UNHEALTHY_FROM_PERCENT // 100, "")],
            ),
            graph(
                "Sessions open without activity for two hours",
                self._total("TotalStuckSessions", MAXIMUM, "stuck", Hue.ORANGE),
            ),
            graph(
                "Idle sessions, per hour",
                self._total("SessionsEnded", SUM, "ended", Hue.GREEN, period=HOUR),
                self._total("SessionsLeft", SUM, "left", Hue.ORANGE, period=HOUR),
                days=1,
            ),
        ]

    def _of(self, pool: str) -> Source:
        return Source(NAMESPACE, {"Environment": self._environment, "Pool": pool})

    def _sum(self, name: str, label: str) -> cloudwatch.MathExpression:
        """Of all configured pools: a metric of its own would be charged for."""
        metrics = {
            f"{name[0].lower()}{name[1:]}{index}": self._of(pool)(name, MAXIMUM, pool)
            for index, pool in enumerate(self._pools)
        }
        return expression(" + ".join(f"FILL({one}, 0)" for one in metrics), label, Hue.BLUE, metrics)
