"""Let a deployed check run through its own schedule, and compare what it found with the database."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from rehearsal.report import NotHeldError, Step
from rehearsal.run import PREFIX, Region, Run
from rehearsal.steps.application import database_secret, site_pool_health

_NAMESPACE = "PardonSimulator"
_ENVIRONMENT = {"Name": "Environment", "Value": "rehearsal"}
_FUNCTION = f"{PREFIX}-pool-health"
_LOG_GROUP = f"/aws/lambda/{_FUNCTION}"
_WAIT_SECONDS = 40
_KEPT = (
    *("Name", "GroupName", "FlexibleTimeWindow", "Target", "State", "Description", "KmsKeyArn"),
    *("ScheduleExpressionTimezone", "ActionAfterCompletion", "StartDate", "EndDate"),
)
_COUNTS = """
    SELECT s."coralSessionId", count(DISTINCT t."id"), count(DISTINCT s."id")
    FROM "Session" s LEFT JOIN "Thread" t ON t."sessionId" = s."id"
    WHERE s."endTime" IS NULL AND s."lastActivityAt" > (now() AT TIME ZONE 'UTC') - interval '60 minutes'
    GROUP BY 1"""

Counts = dict[str, tuple[int, int]]


def run_pool_health(run: Run, region: Region, step: Step) -> None:
    """Let `pool_health` run by its schedule; compare its metrics with SQL and with the site's answer."""
    what = f"metrics of {_FUNCTION} after its schedule was moved to now"
    try:
        with _fired_now(run, region):
            published = run.poll(lambda: _published(run, region), timeout_seconds=_WAIT_SECONDS, what=what)
    except TimeoutError as error:
        logged = "\n".join(_log_lines(run, region)[-5:]) or "nothing"
        raise NotHeldError(f"{error}; it logged last:\n{logged}") from error
    counted = _counted(run, region)
    seen = ", ".join(f"{pool} {threads}/{sessions}" for pool, (threads, sessions) in sorted(published.items()))
    name = "pool_health ran by its schedule and published what the database holds"
    run.report.expect(published == counted, region.name, name, f"{seen} (threads/sessions)")

    answered = {
        pool["poolId"]: (pool["activeThreads"], pool["activeSessions"])
        for pool in site_pool_health(run, region)["statistics"]["pools"]
    }
    name = "the site's /api/cron/pool-health agrees with it"
    run.report.expect(published == answered, region.name, name, f"{len(answered)} pools")
    _expect_log_line(run, region)
    _expect_tls(run, region)
    step.detail = f"{len(published)} pools, {sum(threads for threads, _ in published.values())} threads"


@contextmanager
def _fired_now(run: Run, region: Region) -> Iterator[None]:
    """Move the deployed schedule to now, with its own target, role, retries and dead-letter queue.

    Its own expression is put back afterwards: waiting for it would take minutes.
    """
    scheduler = run.client("scheduler", region)
    deployed = scheduler.get_schedule(GroupName=f"{PREFIX}-checks", Name=_FUNCTION)
    kept = {name: deployed[name] for name in _KEPT if deployed.get(name)}
    soon = datetime.now(UTC) + timedelta(seconds=1)
    scheduler.update_schedule(**kept, ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})")
    yield
    scheduler.update_schedule(**kept, ScheduleExpression=deployed["ScheduleExpression"])


def _published(run: Run, region: Region) -> Counts | None:
    """Read the pools' metrics; None while they are not there."""
    cloudwatch = run.client("cloudwatch", region)
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=_NAMESPACE, MetricName="ActiveThreads")
    metrics = [metric for page in pages for metric in page["Metrics"]]
    pools = {one["Value"] for metric in metrics for one in metric["Dimensions"] if one["Name"] == "Pool"}
    return {pool: _latest(cloudwatch, pool) for pool in pools} or None


def _latest(cloudwatch: Any, pool: str) -> tuple[int, int]:
    now = datetime.now(UTC)
    values = []
    for metric in ("ActiveThreads", "ActiveSessions"):
        answer = cloudwatch.get_metric_statistics(
            Namespace=_NAMESPACE,
            MetricName=metric,
            Dimensions=[_ENVIRONMENT, {"Name": "Pool", "Value": pool}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Maximum"],
        )
        values.append(int(answer["Datapoints"][-1]["Maximum"]))
    return values[0], values[1]


def _counted(run: Run, region: Region) -> Counts:
    secret = database_secret(run, region)
    database = region.postgres.connect(secret["dbname"], user=secret["username"], password=secret["password"])
    rows = database.run(_COUNTS)
    database.close()
    return {pool: (threads, sessions) for pool, threads, sessions in rows}


def _log_lines(run: Run, region: Region) -> list[str]:
    events = run.client("logs", region).filter_log_events(logGroupName=_LOG_GROUP)["events"]
    return [event["message"].strip() for event in events]


def _expect_log_line(run: Run, region: Region) -> None:
    structured = [line for line in _log_lines(run, region) if line.startswith("{")]
    services = {json.loads(line).get("service") for line in structured}
    seen = f"{len(structured)} structured lines in {_LOG_GROUP}"
    run.report.expect("pool_health" in services, region.name, "its log lines are in its log group", seen)


def _expect_tls(run: Run, region: Region) -> None:
    """Find in PostgreSQL's own log that the check came over TLS; that it verifies is shown by its tests."""
    lines = [line for line in region.postgres.log.read_text().splitlines() if "connection authorized" in line]
    check = [line for line in lines if "application_name=pool_health" in line]
    seen = check[-1].partition("connection authorized: ")[2] if check else f"none of {len(lines)} connections"
    is_tls = bool(check) and all("SSL enabled" in line for line in check)
    run.report.expect(is_tls, region.name, "it reached the database over TLS", seen)
