"""Pools and checks on the dashboard: what our own code publishes."""

from collections.abc import Sequence
from itertools import cycle

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs.dashboard_widgets import (
    HOUR,
    MAXIMUM,
    MINIMUM,
    SUM,
    Hue,
    Part,
    Source,
    expression,
    graph,
    line,
    numbers,
    target_line,
)
from constructs.metrics import NAMESPACE
from ops_lambdas.housekeeping.core import MAX_SECRET_DAYS
from ops_lambdas.pool_health.core import SOFT_LIMIT_THREADS, UNHEALTHY_FROM_PERCENT


class PoolWidgets:
    """Each pool's threads and sessions against the limit, and what all pools have in common."""

    def __init__(self, *, environment: str, pools: Sequence[str]) -> None:
        self._environment, self._pools = environment, pools
        self._total = Source(NAMESPACE, {"Environment": environment})

    def now(self) -> list[cloudwatch.IMetric]:
        """Numbers that the runbook says to watch."""
        return [
            self._total("TotalActiveSessions", MAXIMUM, "Active sessions", Hue.BLUE),
            self._total("TotalActiveThreads", MAXIMUM, "Active threads", Hue.BLUE),
            self._total("UnhealthyPools", MAXIMUM, "Unhealthy pools", Hue.RED),
            self._total("SiteLatencyMilliseconds", MAXIMUM, "Site's answer, ms", Hue.GREEN),
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
        """Load and age of all pools, also of those that only the database knows; and ended sessions."""
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
        schema = f"{{{NAMESPACE},Environment,Pool}}"
        return expression(
            f"SEARCH('{schema} MetricName=\"{name}\" Environment=\"{self._environment}\"', 'Maximum', 300)"
        )


class CheckWidgets:
    """The checks' runs, what they saw and did, and whether mails go out."""

    def __init__(self, *, environment: str, prefix: str, checks: Sequence[str], topic_name: str) -> None:
        self._names = {check: f"{prefix}-{check.replace('_', '-')}" for check in checks}
        self._total = Source(NAMESPACE, {"Environment": environment})
        self._topic = Source("AWS/SNS", {"TopicName": topic_name})

    def log_groups(self) -> list[str]:
        """What the checks write to."""
        return [f"/aws/lambda/{name}" for name in self._names.values()]

    def runs(self) -> list[Part]:
        """Over a day: runs, failures, how long they take, what was given up, mails."""
        return [
            graph("Runs, per hour", *self._of_each("Invocations", SUM), days=1, is_stacked=True),
            graph("Failed runs, per hour", *self._of_each("Errors", SUM), days=1, is_stacked=True),
            graph("Longest run, ms", *self._of_each("Duration", MAXIMUM), days=1),
            graph("Dead letters", *self._dead_letters(), days=1, is_stacked=True),
            graph(
                "Mails, per hour",
                self._topic("NumberOfNotificationsDelivered", SUM, "delivered", Hue.GREEN, period=HOUR),
                self._topic("NumberOfNotificationsFailed", SUM, "failed", Hue.RED, period=HOUR),
                days=1,
            ),
        ]

    def findings(self) -> list[Part]:
        """What the checks saw of the site, and what the cleanups did."""
        return [
            graph(
                "Seen from outside: 1 is well",
                self._total("SiteReachable", MINIMUM, "site answers", Hue.BLUE),
                self._total("SiteOk", MINIMUM, "site is well", Hue.GREEN),
                self._total("SiteAgrees", MINIMUM, "site agrees", Hue.PURPLE),
                self._total("DatabaseReadable", MINIMUM, "database answers", Hue.ORANGE),
                max_value=1,
            ),
            graph("Site's answer, ms", self._total("SiteLatencyMilliseconds", MAXIMUM, "pool health", Hue.BLUE)),
            graph(
                "Threads that Coral has",
                self._total("ThreadsListed", MAXIMUM, "listed", Hue.GREY, period=HOUR),
                self._total("ThreadsUnknown", MAXIMUM, "unknown", Hue.ORANGE, period=HOUR),
                self._total("ThreadsFailed", MAXIMUM, "not closed", Hue.RED, period=HOUR),
                days=1,
            ),
            graph(
                "Threads closed, per hour",
                self._total("ThreadsClosed", SUM, "by both cleanups", Hue.GREEN, period=HOUR),
                self._total("ThreadsLeft", SUM, "left", Hue.ORANGE, period=HOUR),
                days=1,
            ),
            graph(
                "Cleanup hindered",
                self._total("TasksUnreachable", MAXIMUM, "tasks unreachable", Hue.ORANGE, period=HOUR),
                self._total("ThreadCleanupRefused", MAXIMUM, "refused", Hue.RED, period=HOUR),
                days=1,
            ),
        ]

    def housekeeping(self) -> list[Part]:
        """What nobody feels today."""
        return [
            numbers(
                "Housekeeping",
                self._total(
                    "OldestSecretDays", MAXIMUM, f"Oldest secret, days of {MAX_SECRET_DAYS}", Hue.BLUE, period=HOUR
                ),
                self._total("ConfirmedSubscribers", MINIMUM, "Hear the alarms", Hue.GREEN, period=HOUR),
                self._total("UnconfirmedSubscribers", MAXIMUM, "Have not confirmed", Hue.ORANGE, period=HOUR),
                self._total(
                    "RestorableMinutesAgo", MAXIMUM, "Database restorable to, minutes ago", Hue.PURPLE, period=HOUR
                ),
            )
        ]

    def _of_each(self, metric: str, statistic: str) -> list[cloudwatch.IMetric]:
        return [
            Source("AWS/Lambda", {"FunctionName": name})(metric, statistic, _words(check), color, period=HOUR)
            for (check, name), color in zip(self._names.items(), cycle(Hue.ALL), strict=False)
        ]

    def _dead_letters(self) -> list[cloudwatch.IMetric]:
        return [
            Source("AWS/SQS", {"QueueName": f"{name}-dead-letters"})(
                "ApproximateNumberOfMessagesVisible", MAXIMUM, _words(check), color, period=HOUR
            )
            for (check, name), color in zip(self._names.items(), cycle(Hue.ALL), strict=False)
        ]


def _words(check: str) -> str:
    return check.replace("_", " ")
