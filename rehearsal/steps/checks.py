"""Let each deployed check run through its own schedule, and compare what it did with what is there."""

import sys
import time
from pathlib import Path

from config import REHEARSAL
from rehearsal.report import CheckRun, Step
from rehearsal.run import Region, Run
from rehearsal.steps import cleanups, costs, housekeeping
from rehearsal.steps.application import query
from rehearsal.steps.schedules import Metric, expect_metrics, fire

_ROLE = "pardon_ops"
_RIGHTS = f"""
    SELECT table_name, column_name, privilege FROM information_schema.columns,
           unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS privilege
    WHERE table_schema = 'public' AND has_column_privilege(
        '{_ROLE}', format('%I.%I', table_schema, table_name), column_name, privilege)"""  # noqa: S608 - our own name
_COUNTS = """
    SELECT s."coralSessionId", count(DISTINCT t."id"), count(DISTINCT s."id")
    FROM "Session" s LEFT JOIN "Thread" t ON t."sessionId" = s."id"
    WHERE s."endTime" IS NULL AND s."lastActivityAt" > (now() AT TIME ZONE 'UTC') - interval '60 minutes'
    GROUP BY 1"""


def run_all(run: Run, region: Region, step: Step) -> None:
    """Run those that read or change the application one after the other, beside them those that ask AWS alone."""
    before = len(run.report.checks)
    cleanups.fill(run, region)
    of_application, reports, looks = run.parallel(
        lambda: _of_application(run, region),
        lambda: costs.report_costs(run, region),
        lambda: housekeeping.look(run, region),
    )
    runs = [*of_application, *reports, *looks]
    run.report.runs += runs
    run.report.checks[before:] = sorted(run.report.checks[before:], key=lambda check: check.name.split()[0])
    step.detail = f"{len(runs)} runs of {len({one.check for one in runs})} checks"


def _of_application(run: Run, region: Region) -> list[CheckRun]:
    runs = [
        _database_role(run, region),
        _pool_health(run, region),
        cleanups.session_cleanup(run, region),
        cleanups.thread_cleanup(run, region),
        _by_hand(run, region),
    ]
    _expect_logins(run, region)
    return runs


def _database_role(run: Run, region: Region) -> CheckRun:
    """The role was made before the application's tables; now it must get its rights on them, and no others."""
    before = query(run, region, _RIGHTS)
    outcome = fire(run, region, "database_role")
    rights: dict[tuple[str, str], set[str]] = {}
    for table, column, privilege in query(run, region, _RIGHTS):
        rights.setdefault((table, privilege), set()).add(column)
    is_so = (
        (before, outcome.result["state"], outcome.result["pending"]) == ([], "ensured", [])
        and set(rights) == {("Session", "SELECT"), ("Session", "UPDATE"), ("Thread", "SELECT")}
        and rights["Session", "UPDATE"] == {"endTime"}
    )
    seen = "; ".join(
        f"{privilege} {table} ({', '.join(sorted(rights[table, privilege]))})" for table, privilege in sorted(rights)
    )
    name = f"database_role completes the rights of {_ROLE}: columns that checks need, nothing else"
    run.report.expect(is_so, region.name, name, seen or "no rights")
    return outcome.told(region, f"{len(outcome.result['granted'])} grants to {_ROLE} on the new tables, none pending")


def _pool_health(run: Run, region: Region) -> CheckRun:
    """Database, metrics and, in the home region, the site must say the same."""
    outcome = fire(run, region, "pool_health")
    result, site = outcome.result, outcome.result["site"]
    counted = {pool: (threads, sessions) for pool, threads, sessions in query(run, region, _COUNTS)}
    found = {pool["pool"]: (pool["active_threads"], pool["active_sessions"]) for pool in result["pools"]}
    seen = ", ".join(f"{pool} {threads}/{sessions}" for pool, (threads, sessions) in sorted(found.items()))
    name = "pool_health counts what SQL counts"
    run.report.expect(found == counted, region.name, name, f"{seen} (active threads/sessions)")

    # The domain leads to the home region's site, which is well: it knows no other region's bearer secret.
    is_home = region.name == REHEARSAL.home_region
    expected = ("ok", 200, True) if is_home else ("unauthorized", 401, None)
    is_so = (site["state"], site["status"], site["agrees"]) == expected
    seen = f"https://{REHEARSAL.domain}: {site['state']}, {site['status']}, {site['detail'] or 'equal numbers'}"
    whose = "which agrees" if is_home else "which is the home region's"
    run.report.expect(is_so, region.name, f"pool_health asks the site from outside, {whose}", seen)

    metrics: dict[Metric, float] = {("ActiveThreads", pool): threads for pool, (threads, _) in counted.items()}
    metrics |= {("ActiveSessions", pool): sessions for pool, (_, sessions) in counted.items()}
    metrics |= {("SiteOk", ""): 1, ("SiteAgrees", ""): 1} if is_home else {("SiteOk", ""): 0}
    expect_metrics(run, region, outcome, metrics)
    did = (
        f"{result['total_active_threads']} active threads in {result['total_pools']} pools, "
        f"{result['unhealthy_pools']} unhealthy, {result['total_stuck_sessions']} sessions stuck; "
        + ("the site agrees" if is_home else "the site is the home region's")
    )
    return outcome.told(region, did)


def _by_hand(run: Run, region: Region) -> CheckRun:
    """Run a check as `make check` does."""
    arguments = ["-m", "procedures.check", "pool_health", "--environment", "rehearsal", "--region", region.name]
    begun = time.monotonic()
    output = run.finish(run.begin("make check", [Path(sys.executable), *arguments], region))
    seconds = round(time.monotonic() - begun, 2)
    is_shown = "measured" in output and "pool-4" in output
    seen = f"{len(output.splitlines())} lines of tables, exit code 0"
    run.report.expect(is_shown, region.name, "pool_health by hand: make check", seen)
    return CheckRun("pool_health", region.name, "by hand: make check", "shows its result as tables", seconds, {})


def _expect_logins(run: Run, region: Region) -> None:
    """Find in the servers' logs that the checks came over TLS, let in by IAM; that they verify is their tests'."""
    lines = [line for line in region.postgres.log.read_text().splitlines() if f"authorized: user={_ROLE} " in line]
    names = {line.partition("application_name=")[2].split()[0] for line in lines}
    is_tls = names == {"pool_health", "session_cleanup", "thread_cleanup"} and all(
        "SSL enabled" in one for one in lines
    )
    emulator = next(run.logs.glob("emulator-*.log")).read_text()
    let_in, refused = emulator.count(f"IAM lets {_ROLE} in"), emulator.count(f"IAM refuses {_ROLE}")
    seen = f"{', '.join(sorted(names))}: {len(lines)} connections, IAM let {let_in} in and refused {refused}"
    is_so = is_tls and not refused and let_in >= len(lines)
    run.report.expect(is_so, region.name, "checks reach the database over TLS, with an IAM token", seen)
