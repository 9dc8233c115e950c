"""Run the deployed check `cron_routes` on both its schedules: the site does the work, and the reset is remembered."""

from datetime import UTC, datetime

from config import REHEARSAL
from rehearsal.report.facts import CheckRun
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps.fire_schedule import expect_metrics, fire
from rehearsal.steps.set_up_application import query

_PAST = """SELECT count(*) FROM "Session"
    WHERE "endTime" IS NULL AND "weekId" < to_char(now() AT TIME ZONE 'UTC', 'IYYY-"W"IW')"""


def prove(run: Run, region: Region) -> list[CheckRun]:
    """Both routes must be called with the right secret, and the weekly one have closed the past weeks' sessions.

    Only the home region: the domain leads there, and its site knows no other region's secret.
    """
    if region.name != REHEARSAL.home_region:
        return []
    begun = datetime.now(UTC)
    query(run, region, """UPDATE "Session" SET "endTime" = NULL WHERE "id" = 'session-1-last-week'""")
    ((before,),) = query(run, region, _PAST)
    outcomes = [fire(run, region, "cron_routes", route) for route in ("intermediary-cleanup", "weekly-reset")]
    ((after,),) = query(run, region, _PAST)
    results = [one.result for one in outcomes]
    seen = ", ".join(f"{one['route']}: {one['state']}, {one['status']}" for one in results)
    is_so = all((one["state"], one["status"]) == ("ok", 200) for one in results) and results[0]["cleaned"] == 0
    run.report.expect(is_so, region.name, "cron_routes calls both routes of the site on their schedules", seen)
    seen = f"{before} open sessions of past weeks before, {after} after"
    run.report.expect(before > 0 == after, region.name, "the weekly reset closes the week", seen)
    kept = run.client("ssm", region).get_parameter(Name=NAMES.weekly_reset_parameter)["Parameter"]
    is_kept = kept["Value"].startswith("succeeded ") and kept["LastModifiedDate"] >= begun.replace(microsecond=0)
    run.report.expect(is_kept, region.name, "that it succeeded is remembered", kept["Value"])
    expect_metrics(run, region, outcomes[-1], {("WeeklyResetOverdue", ""): 0})
    return [one.reported(region, f"{one.result['route']} answered {one.result['status']}") for one in outcomes]
