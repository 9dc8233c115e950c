"""The checks on the dashboard: their runs, what they found and did, and the emails."""

from collections.abc import Sequence
from itertools import cycle

from aws_cdk import aws_cloudwatch as cloudwatch

from constructs.common.cloudwatch_metrics import HOUR, MAXIMUM, MINIMUM, NAMESPACE, SUM
from constructs.dashboard.widgets import Hue, Part, Source, graph, numbers
from names import Names
from ops_lambdas.housekeeping.core import MAX_SECRET_DAYS


class CheckWidgets:
    """The checks' runs, what they found and did, and whether emails are delivered."""

    def __init__(self, *, environment: str, names: Names, checks: Sequence[str]) -> None:
        self._names, self._checks = names, checks
        self._total = Source(NAMESPACE, {"Environment": environment})
        self._topic = Source("AWS/SNS", {"TopicName": names.alarm_topic})

    def log_groups(self) -> list[str]:
        """The checks' log groups."""
        return [self._names.check_log_group(check) for check in self._checks]

    def runs(self) -> list[Part]:
        """Over a day: runs, failures, durations, dead letters, emails."""
        return [
            graph("Runs, per hour", *self._of_each("Invocations", SUM), days=1, is_stacked=True),
            graph("Failed runs, per hour", *self._of_each("Errors", SUM), days=1, is_stacked=True),
            graph("Longest run, ms", *self._of_each("Duration", MAXIMUM), days=1),
            graph("Dead letters", *self._dead_letters(), days=1, is_stacked=True),
            graph(
                "Emails, per hour",
                self._topic("NumberOfNotificationsDelivered", SUM, "delivered", Hue.GREEN, period=HOUR),
                self._topic("NumberOfNotificationsFailed", SUM, "failed", Hue.RED, period=HOUR),
                days=1,
            ),
        ]

    def findings(self) -> list[Part]:
        """What the checks found at the site, and what the cleanups did."""
        return [
            graph(
                "Reachability, 1 is OK",
                self._total("SiteReachable", MINIMUM, "site answers", Hue.BLUE),
                self._total("SiteOk", MINIMUM, "site OK", Hue.GREEN),
                self._total("SiteAgrees", MINIMUM, "site agrees", Hue.PURPLE),
                self._total("DatabaseReadable", MINIMUM, "database answers", Hue.ORANGE),
                max_value=1,
            ),
            graph(
                "Threads in Coral",
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
                "Cleanup problems",
                self._total("TasksUnreachable", MAXIMUM, "tasks unreachable", Hue.ORANGE, period=HOUR),
                self._total("TasksUnlisted", MAXIMUM, "tasks without a list", Hue.BLUE, period=HOUR),
                self._total("TasksWithoutPools", MAXIMUM, "tasks without pools", Hue.GREY, period=HOUR),
                self._total("PoolsUnlisted", MAXIMUM, "pools not listed", Hue.PURPLE, period=HOUR),
                self._total("ThreadsStillListed", MAXIMUM, "closed, still listed", Hue.GREEN, period=HOUR),
                self._total("ThreadCleanupRefused", MAXIMUM, "refused", Hue.RED, period=HOUR),
                days=1,
            ),
        ]

    def housekeeping(self) -> list[Part]:
        """Old secrets, subscribers, and the database's backup."""
        return [
            numbers(
                "Housekeeping",
                self._total(
                    "OldestSecretDays", MAXIMUM, f"Oldest secret, days (max {MAX_SECRET_DAYS})", Hue.BLUE, period=HOUR
                ),
                self._total("ConfirmedSubscribers", MINIMUM, "Confirmed subscribers", Hue.GREEN, period=HOUR),
                self._total("UnconfirmedSubscribers", MAXIMUM, "Unconfirmed subscribers", Hue.ORANGE, period=HOUR),
                self._total(
                    "RestorableMinutesAgo", MAXIMUM, "Database restorable to, minutes ago", Hue.PURPLE, period=HOUR
                ),
                self._total(
                    "RecoveryPointMinutesAgo", MAXIMUM, "In the recovery region, minutes ago", Hue.RED, period=HOUR
                ),
            )
        ]

    def _of_each(self, metric: str, statistic: str) -> list[cloudwatch.IMetric]:
        return [
            Source("AWS/Lambda", {"FunctionName": self._names.check(check)})(
                metric, statistic, _words(check), color, period=HOUR
            )
            for check, color in zip(self._checks, cycle(Hue.ALL), strict=False)
        ]

    def _dead_letters(self) -> list[cloudwatch.IMetric]:
        return [
            Source("AWS/SQS", {"QueueName": self._names.check_dead_letter_queue(check)})(
                "ApproximateNumberOfMessagesVisible", MAXIMUM, _words(check), color, period=HOUR
            )
            for check, color in zip(self._checks, cycle(Hue.ALL), strict=False)
        ]


def _words(check: str) -> str:
    return check.replace("_", " ")
