"""A version whose migration fails, the next one whose migration succeeds, and migrations by hand."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import deploy_stacks
from rehearsal.steps.set_up_application import query

BROKEN, NEXT = "broken", "next"
# What begin_synth gets for each.
CONTEXT = {BROKEN: "image_tag=rehearsal-broken", NEXT: "image_tag=rehearsal-slow"}
_SECONDS = 6  # of the next version's migration, 0002_slow.sql
REASON = 'relation "Conversation" does not exist'
_COLUMN = """SELECT count(*) FROM information_schema.columns WHERE table_name = 'Session' AND column_name = 'title'"""


def prove(run: Run, region: Region, step: Step) -> None:
    """The failed one leaves the service as it is; the next one gets a snapshot and runs before the service does."""
    before = _service(run, region)
    output = deploy_stacks.deploy_assembly(run, region, BROKEN, "cdk deploy broken migration", allowed=(1,))
    after = _service(run, region)
    status = deploy_stacks.describe_stacks(run, region)[NAMES.stack("service")]["StackStatus"]
    is_untouched = before == after and status == "UPDATE_ROLLBACK_COMPLETE"
    has_reason = REASON in output
    name = "a migration that fails fails the deployment, with its last lines"
    run.report.expect(has_reason, region.name, name, "P3018 is in the output" if has_reason else "no reason")
    seen = f"{status}, {after['taskDefinition'].rpartition('/')[2]}"
    run.report.expect(is_untouched, region.name, "and leaves the service as it is", seen)

    snapshots = _snapshots(run, region)
    deploy_stacks.deploy_assembly(run, region, NEXT, "cdk deploy next migration")
    ((columns,),) = query(run, region, _COLUMN)
    made = _snapshots(run, region) - snapshots
    is_migrated = columns == 1 and len(made) == 1 and _service(run, region) != after
    seen = f"{', '.join(made)}, then the new column, then the service"
    run.report.expect(is_migrated, region.name, "the next migration runs after a snapshot", seen)

    longest = _longest_run(run, region)
    seen = f"its function ran {longest / 1000:.1f} s at most, the migration {_SECONDS} s and more"
    name = "nothing waits for a migration as long as a function may run"
    run.report.expect(0 < longest < 1000 * _SECONDS, region.name, name, seen)

    arguments: list[str | Path] = [sys.executable, "-m", "procedures.migrate"]
    arguments += ["--environment", "rehearsal", "--region", region.name]
    output = run.finish(run.begin("make migrate", arguments, region))
    is_done = "2 migrations found, 0 pending" in output and "Nothing is pending" in output
    run.report.expect(is_done, region.name, "migrations by hand: make migrate", output.strip().splitlines()[-1])
    step.detail = "failed and left alone, then snapshot and migration"


def _service(run: Run, region: Region) -> dict[str, Any]:
    (service,) = run.client("ecs", region).describe_services(cluster=NAMES.cluster, services=[NAMES.service])[
        "services"
    ]
    return {name: service[name] for name in ("taskDefinition", "runningCount", "desiredCount")}


def _longest_run(run: Run, region: Region) -> float:
    """Milliseconds of the longest run of the migration's function."""
    now = datetime.now(UTC)
    points = run.client("cloudwatch", region).get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Duration",
        Dimensions=[{"Name": "FunctionName", "Value": NAMES.migration}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Maximum"],
    )["Datapoints"]
    return max((float(point["Maximum"]) for point in points), default=0.0)


def _snapshots(run: Run, region: Region) -> set[str]:
    found = run.client("rds", region).describe_db_snapshots(DBInstanceIdentifier=NAMES.database)["DBSnapshots"]
    return {one["DBSnapshotIdentifier"] for one in found if one["SnapshotType"] == "manual"}
