"""Whether each metric of the alarms and the dashboard exists, under exactly its namespace, name and dimensions."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from procedures.findings import Finding, State
from procedures.verify.deployed import Deployed

# A new metric is listed up to 15 minutes after its first datum, and forgotten two weeks after its last.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html
LISTED_AFTER = timedelta(minutes=15)
_SHOWN = 3
_RUN = timedelta(minutes=5)  # until the tasks and the checks have published something

# Metrics that are published only when there is something to count: another with the same dimensions proves these.
# Names end with * for all that begin so; a namespace alone is all of its metrics.
RARE: Mapping[str, tuple[str, ...]] = {
    # "Reporting criteria: There is a nonzero value".
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    "AWS/ApplicationELB": (
        *("HTTPCode_*", "RequestCount*", "TargetResponseTime", "RejectedConnectionCount", "ActiveConnectionCount"),
        *("NewConnectionCount", "ProcessedBytes", "*ErrorCount"),
    ),
    # Only of a queue that had messages or was asked within six hours.
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-monitoring-using-cloudwatch.html
    "AWS/SQS": ("*",),
    # https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
    "AWS/SNS": ("*",),
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "AWS/Lambda": ("AsyncEvents*", "AsyncEventAge", "DeadLetterErrors", "DestinationDeliveryFailures"),
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
    "AWS/States": ("*",),
    # Ours, for which there must be costs, an answer of the site, a secret, a backup, a line of log; and those that are
    # published only when they are not zero.
    "PardonSimulator": (
        *("MonthToDateCost", "ForecastCost", "ServicesAboveListPrice", "SiteReachable", "SiteAgrees"),
        *("OldestSecretDays", "SecretsDue", "RestorableMinutesAgo", "RecoveryPointMinutesAgo", "ErrorLines-*"),
        *("Sessions*", "Threads*", "ThreadCleanupRefused", "Tasks*", "PoolsUnlisted", "TotalStuckSessions"),
        "WeeklyResetOverdue",
    ),
}

_SEARCH = re.compile(
    r"SEARCH\('\{(?P<namespace>[^,]+),(?P<dimensions>[^}]+)\} MetricName=\"(?P<name>\w+)\"(?P<rest>[^']*)'"
)


@dataclass(frozen=True)
class Metric:
    """A metric as something refers to it.

    Attributes:
        dimensions: names and values; a value is "*" where any will do.
        used_by: the alarm or the widget.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    used_by: str

    @property
    def text(self) -> str:
        """Namespace, name and dimensions."""
        dimensions = ", ".join(f"{name}={value}" for name, value in self.dimensions) or "no dimension"
        return f"{self.namespace} {self.name} with {dimensions}"

    @property
    def is_rare(self) -> bool:
        """Whether it may be absent though nothing is wrong."""
        patterns = RARE.get(self.namespace, ())
        return any(re.fullmatch(re.escape(one).replace(r"\*", ".*"), self.name) for one in patterns)

    def is_like(self, listed: Mapping[str, Any]) -> bool:
        """Whether a listed metric has the same dimensions, and no more."""
        values = {one["Name"]: one["Value"] for one in listed["Dimensions"]}
        return values.keys() == dict(self.dimensions).keys() and all(
            value in ("*", values[name]) for name, value in self.dimensions
        )


def of_alarms(aws: Deployed) -> Iterator[Finding]:
    """Metrics that the alarms watch; an alarm on one that nobody publishes never changes."""
    pages = aws.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{aws.names.prefix}-")
    alarms = [one for page in pages for one in page["MetricAlarms"]]
    return _findings(aws, "alarms", (metric for alarm in alarms for metric in watched(alarm)))


def of_dashboard(aws: Deployed) -> Iterator[Finding]:
    """Metrics that the dashboard draws, with those of its expressions."""
    body = aws.client("cloudwatch").get_dashboard(DashboardName=aws.environment.dashboard_name)["DashboardBody"]
    return _findings(aws, "dashboard", drawn(json.loads(body)))


def watched(alarm: Mapping[str, Any]) -> Iterator[Metric]:
    """Metrics of an alarm as `DescribeAlarms` describes it."""
    for query in alarm.get("Metrics") or [{"MetricStat": {"Metric": alarm}}]:
        if "MetricStat" in query:
            metric = query["MetricStat"]["Metric"]
            dimensions = sorted((one["Name"], one["Value"]) for one in metric.get("Dimensions", ()))
            yield Metric(metric["Namespace"], metric["MetricName"], tuple(dimensions), alarm["AlarmName"])


def drawn(body: Mapping[str, Any]) -> Iterator[Metric]:
    """Metrics of a dashboard's body.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    for widget in body["widgets"]:
        title = str(widget["properties"].get("title", ""))
        for *parts, options in widget["properties"].get("metrics", ()):
            if "expression" not in options:
                namespace, name, *pairs = parts
                yield Metric(namespace, name, tuple(sorted(zip(pairs[::2], pairs[1::2], strict=True))), title)
            elif found := _SEARCH.match(options["expression"]):
                known = dict(re.findall(r'(\w+)="([^"]+)"', found["rest"]))
                dimensions = sorted((key, known.get(key, "*")) for key in found["dimensions"].split(","))
                yield Metric(found["namespace"], found["name"], tuple(dimensions), title)


def _findings(aws: Deployed, subject: str, metrics: Iterable[Metric]) -> Iterator[Finding]:
    grouped: dict[tuple[str, tuple[tuple[str, str], ...]], list[Metric]] = defaultdict(list)
    for metric in metrics:
        grouped[metric.namespace, metric.dimensions].append(metric)
    found, absent = 0, []
    for group in grouped.values():
        siblings = _listed(aws, group[0])
        for metric in group:
            if metric.name in siblings or (metric.is_rare and siblings):
                found += 1
            else:
                absent.append(metric)
    if found:
        text = f"{found} published as they are watched"
        yield Finding(area="metrics", subject=subject, state=State.HOLDS, found=text)
    is_new = aws.now < aws.changed_at + _RUN + LISTED_AFTER
    unseen = dict.fromkeys(absent)
    later = [one for one in unseen if is_new or one.is_rare]
    if later:
        shown = [one.text for one in later[:_SHOWN]]
        yield Finding(
            area="metrics",
            subject=subject,
            state=State.NOT_YET,
            found="\n".join([f"{len(later)} not listed yet, such as", *shown]),
            mend=f"make verify {aws.options}, a quarter of an hour after there is something to count",
        )
    for metric in (one for one in unseen if one not in later):
        found_instead = f"nobody publishes {metric.text}"
        mend = aws.compare("monitoring")
        yield Finding(area="metrics", subject=metric.used_by, state=State.FAILS, found=found_instead, mend=mend)


def _listed(aws: Deployed, wanted: Metric) -> set[str]:
    """Names of the metrics that exist with these dimensions."""
    filters = [{"Name": name} | ({} if value == "*" else {"Value": value}) for name, value in wanted.dimensions]
    pages = (
        aws.client("cloudwatch").get_paginator("list_metrics").paginate(Namespace=wanted.namespace, Dimensions=filters)
    )
    return {str(one["MetricName"]) for page in pages for one in page["Metrics"] if wanted.is_like(one)}
