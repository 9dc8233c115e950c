"""Fire a deployed check's schedule now, and read the result and the metrics of the run."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from names import CHECKS
from rehearsal.report.facts import CheckRun, NotHeldError, Step
from rehearsal.run import NAMES, Region, Run

_WAIT_SECONDS = 90
_METRICS_WAIT_SECONDS = 10
_KEPT = (
    *("Name", "GroupName", "FlexibleTimeWindow", "Target", "State", "Description", "KmsKeyArn"),
    *("ScheduleExpressionTimezone", "ActionAfterCompletion", "StartDate", "EndDate"),
)

Metric = tuple[str, str]  # its name, and its pool or ""


@dataclass(frozen=True)
class Outcome:
    """The result of a run.

    Attributes:
        schedule: as it was deployed.
        since: when it was fired; the metrics of the run are not older.
        result: as the check logged it.
        seconds: that the function ran.
    """

    check: str
    schedule: str
    since: datetime
    result: dict[str, Any]
    seconds: float

    def reported(self, region: Region, did: str) -> CheckRun:
        """The run as the report shows it."""
        return CheckRun(self.check, region.name, self.schedule, did, self.seconds, self.result)


def fire(run: Run, region: Region, check: str, schedule: str = "") -> Outcome:
    """Run a check on its schedule, and wait for its result.

    Args:
        schedule: name of one of several, as in `schedules`.
    Raises: NotHeldError with what it logged last, when it fails or logs no result.
        TimeoutError when it has not run in time.
    """
    function = NAMES.check(check)
    before = set(_runs(run, region, check))

    def look() -> tuple[dict[str, Any] | None, float] | None:
        return next((one for id_, one in _runs(run, region, check).items() if id_ not in before), None)

    with _moved_to_now(run, region, f"{function}-{schedule}".rstrip("-")) as (expression, since):
        result, seconds = run.poll(look, timeout_seconds=_WAIT_SECONDS, what=f"end of {function}, fired now")
    if result is None:
        logged = "\n".join(_log_lines(run, region, check)[-5:])
        raise NotHeldError(f"{function} failed or logged no result; it logged last:\n{logged}")
    return Outcome(check, expression, since, result, seconds)


def expect_first_runs(run: Run, region: Region, step: Step) -> None:
    """Wait until each check has run once: what the end of the deployment that created it starts."""

    def waiting() -> list[str]:
        return [check for check in CHECKS if not _runs(run, region, check)]

    run.poll(lambda: not waiting() or None, timeout_seconds=_WAIT_SECONDS, what="each check's first run")
    step.detail = f"{len(CHECKS)} checks"
    name = "each check runs when the deployment that creates it ends"
    run.report.expect(not waiting(), region.name, name, step.detail)


def schedules(run: Run, region: Region) -> dict[str, list[str]]:
    """Return the names of each deployed check's schedules, without the function's name; "" for its only one."""
    pages = run.client("scheduler", region).get_paginator("list_schedules").paginate(GroupName=NAMES.schedule_group)
    found: dict[str, list[str]] = {}
    for deployed in [schedule for page in pages for schedule in page["Schedules"]]:
        function = deployed["Target"]["Arn"].partition(":function:")[2]
        check = function.removeprefix(NAMES.check("")).replace("-", "_")
        found.setdefault(check, []).append(deployed["Name"].removeprefix(function).removeprefix("-"))
    return found


def expect_metrics(run: Run, region: Region, outcome: Outcome, expected: Mapping[Metric, float]) -> None:
    """Check that the run published these values, 0 or nothing for 0; CloudWatch may take a moment to show them."""

    def values() -> dict[Metric, float]:
        return dict.fromkeys((metric for metric, value in expected.items() if not value), 0.0) | _published(
            run, region, outcome.since, list(expected)
        )

    def look() -> bool | None:
        return values() == expected or None

    with suppress(TimeoutError):
        run.poll(look, timeout_seconds=_METRICS_WAIT_SECONDS, what="metrics")
    published = values()
    seen = ", ".join(f"{' '.join(metric).strip()} {value:g}" for metric, value in published.items())
    name = f"{outcome.check} publishes its result as metrics"
    run.report.expect(published == expected, region.name, name, seen or "no metrics")


@contextmanager
def _moved_to_now(run: Run, region: Region, name: str) -> Iterator[tuple[str, datetime]]:
    """Move a deployed schedule to now, with its own target, event, role, retries and dead-letter queue.

    Afterwards it gets its own expression back. Waiting for its own time would take minutes or days.
    """
    scheduler = run.client("scheduler", region)
    deployed = scheduler.get_schedule(GroupName=NAMES.schedule_group, Name=name)
    kept = {key: deployed[key] for key in _KEPT if deployed.get(key)}
    now = datetime.now(UTC).replace(microsecond=0)
    soon = now + timedelta(seconds=1)
    scheduler.update_schedule(**kept, ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})")
    yield deployed["ScheduleExpression"], now
    scheduler.update_schedule(**kept, ScheduleExpression=deployed["ScheduleExpression"])


def _log_lines(run: Run, region: Region, check: str) -> list[str]:
    events = run.client("logs", region).filter_log_events(logGroupName=NAMES.check_log_group(check))["events"]
    return [event["message"].strip() for event in events]


def _runs(run: Run, region: Region, check: str) -> dict[str, tuple[dict[str, Any] | None, float]]:
    """Return result (None: it failed or logged none) and duration of each run that has ended, by request."""
    lines = _log_lines(run, region, check)
    ends = [re.match(r"REPORT RequestId: (\S+)\s+Duration: ([\d.]+) ms", line) for line in lines]
    seconds = {end[1]: round(float(end[2]) / 1000, 2) for end in ends if end}
    structured = [json.loads(line) for line in lines if line.startswith("{")]
    results = {one["function_request_id"]: one["result"] for one in structured if "result" in one}
    return {id_: (results.get(id_), one) for id_, one in seconds.items()}


def _published(run: Run, region: Region, since: datetime, metrics: list[Metric]) -> dict[Metric, float]:
    """Read the latest value of each metric, to two digits; what was not published is not in it."""
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {"Namespace": "PardonSimulator", "MetricName": name, "Dimensions": _dimensions(pool)},
                "Period": 1,
                "Stat": "Maximum",
            },
        }
        for number, (name, pool) in enumerate(metrics)
    ]
    answer = run.client("cloudwatch", region).get_metric_data(
        MetricDataQueries=queries,
        StartTime=since,
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        ScanBy="TimestampAscending",
    )
    values = {one["Id"]: one["Values"] for one in answer["MetricDataResults"]}
    return {metric: round(values[f"m{number}"][-1], 2) for number, metric in enumerate(metrics) if values[f"m{number}"]}


def _dimensions(pool: str) -> list[dict[str, str]]:
    environment = [{"Name": "Environment", "Value": "rehearsal"}]
    return [*environment, {"Name": "Pool", "Value": pool}] if pool else environment
