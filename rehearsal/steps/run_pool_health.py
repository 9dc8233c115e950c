"""Run the deployed pool_health on its schedule, and compare its numbers with SQL, the site and the metrics."""

import json

from config import REHEARSAL
from rehearsal.report.facts import CheckRun
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps.fire_schedule import Metric, expect_metrics, fire
from rehearsal.steps.set_up_application import cron_secret, put_secret, query

_COUNTS = """
    SELECT s."coralSessionId", count(DISTINCT t."id"), count(DISTINCT s."id")
    FROM "Session" s LEFT JOIN "Thread" t ON t."sessionId" = s."id"
    WHERE s."endTime" IS NULL AND s."lastActivityAt" > (now() AT TIME ZONE 'UTC') - interval '60 minutes'
    GROUP BY 1"""


def prove(run: Run, region: Region) -> list[CheckRun]:
    """Database, metrics and, in the home region, the site must have the same numbers.

    The cron secret has just been changed, and the tasks still have the value before.
    """
    secret, before = NAMES.secret("cron-secret"), cron_secret(run, region)
    put_secret(run, region, secret, '{"value": "known to no task yet"}')
    outcome = fire(run, region, "pool_health")
    put_secret(run, region, secret, json.dumps({"value": before}))
    result, site = outcome.result, outcome.result["site"]
    counted = {pool: (threads, sessions) for pool, threads, sessions in query(run, region, _COUNTS)}
    found = {pool["pool"]: (pool["active_threads"], pool["active_sessions"]) for pool in result["pools"]}
    seen = ", ".join(f"{pool} {threads}/{sessions}" for pool, (threads, sessions) in sorted(found.items()))
    name = "pool_health counts what SQL counts"
    run.report.expect(found == counted, region.name, name, f"{seen} (active threads/sessions)")

    # The domain leads to the home region's site, which is healthy: it knows no other region's bearer secret.
    is_home = region.name == REHEARSAL.home_region
    expected = ("ok", 200, True) if is_home else ("unauthorized", 401, None)
    is_so = (site["state"], site["status"], site["agrees"]) == expected
    seen = f"https://{REHEARSAL.domain}: {site['state']}, {site['status']}, {site['detail'] or 'equal numbers'}"
    whose = "which agrees, also while tasks have the secret before" if is_home else "which is the home region's"
    run.report.expect(is_so, region.name, f"pool_health queries the site from outside, {whose}", seen)

    metrics: dict[Metric, float] = {("ActiveThreads", pool): threads for pool, (threads, _) in counted.items()}
    metrics |= {("ActiveSessions", pool): sessions for pool, (_, sessions) in counted.items()}
    metrics |= {("SiteOk", ""): 1, ("SiteAgrees", ""): 1} if is_home else {("SiteOk", ""): 0}
    expect_metrics(run, region, outcome, metrics)
    did = (
        f"{result['total_active_threads']} active threads in {result['total_pools']} pools, "
        f"{result['unhealthy_pools']} unhealthy, {result['total_stuck_sessions']} sessions stuck; "
        + ("the site agrees" if is_home else "the site is the home region's")
    )
    return [outcome.reported(region, did)]
