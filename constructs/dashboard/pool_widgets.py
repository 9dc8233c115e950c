"""The pools on the dashboard: threads and sessions of each, and the totals."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs.common.cloudwatch_metrics import HOUR, MAXIMUM, NAMESPACE, SUM
from constructs.dashboard.widgets import Hue, Part, Source, graph, line, search, target_line
from ops_lambdas.pool_health.core import SOFT_LIMIT_THREADS, UNHEALTHY_FROM_PERCENT


class PoolWidgets:
    """Each pool's threads and sessions against the limit, and all pools compared."""

    def __init__(self, *, environment: str, pools: Sequence[str]) -> None:
        self._environment, self._pools = environment, pools
        self._total = Source(NAMESPACE, {"Environment": environment})

    def now(self) -> list[cloudwatch.IMetric]:
        """Numbers that the runbook says to watch."""
        return [
            self._total("TotalActiveSessions", MAXIMUM, "Active sessions", Hue.BLUE),
            self._total("TotalSessionsInUse", MAXIMUM, "Sessions in use", Hue.BLUE),
            self._total("TotalActiveThreads", MAXIMUM, "Active threads", Hue.BLUE),
            self._total("UnhealthyPools", MAXIMUM, "Unhealthy pools", Hue.RED),
            self._total("SiteLatencyMilliseconds", MAXIMUM, "Site response time, ms", Hue.GREEN),
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
            pool = Source(NAMESPACE, {"Environment": self._environment, "Pool": name})
            threads = pool("ActiveThreads", MAXIMUM, "threads", Hue.BLUE)
            parts.append(graph(name, threads, pool("ActiveSessions", MAXIMUM, "sessions", Hue.GREEN), lines=lines))
        return parts

    def all(self) -> list[Part]:
        """Load and age of all pools, including those that only the database has; and ended sessions."""
        return [
            graph(
                "Load of each pool, % of its limit",
                self._of_each("PoolLoadPercent"),
                lines=[target_line(UNHEALTHY_FROM_PERCENT, " %")],
            ),
            graph("Oldest open session of each pool, minutes", self._of_each("OldestOpenSessionMinutes")),
            graph("Stuck sessions of each pool", self._of_each("StuckSessions")),
            graph(
                "Idle sessions, per hour",
                self._total("SessionsEnded", SUM, "ended", Hue.GREEN, period=HOUR),
                self._total("SessionsLeft", SUM, "left", Hue.ORANGE, period=HOUR),
                days=1,
            ),
        ]

    def _of_each(self, name: str) -> cloudwatch.MathExpression:
        return search(name, "Pool", self._environment)
