"""Recover the application in a region that is in standby: `make recover ENV=production REGION=us-west-2`.

The database is restored from what the other region copied there, then everything is deployed by `cdk deploy`: what the
site needs, what watches it, and the database's second zone and replica, which take longest and hold up nothing. It can
be run again after any failure, and goes on where it stopped. Drill: docs/recovery.md.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from config import environment
from environment import Environment
from procedures import check
from procedures.findings import CLIENT
from procedures.recover import move, moved_name, places, source
from procedures.recover.deployments import REST, SITE, WHOLE, Deployment
from procedures.recover.plan import Plan, begun, look, shown, table
from procedures.recover.source import RecoveryError, Source
from procedures.recover.steps import Steps, agreed
from procedures.recover.unknown import unknown
from procedures.snapshot import SnapshotError
from procedures.terminal import Terminal
from procedures.verify.deployed import Deployed
from validation import ConfigurationError

_POOL_SECONDS, _POOL_PAUSE_SECONDS = 600.0, 10.0


def recover(planned: Plan, steps: Steps, deployed: Deployed) -> Source | None:
    """Do it; return what the database was restored from, if it was.

    Args:
        deployed: the region, for the site that it is to have.
    Raises:
        RecoveryError, SnapshotError: a step failed; running it again goes on there.
        BotoCoreError, ClientError: AWS cannot be asked.
    """
    chosen, restored = planned.chosen, planned.source
    if planned.is_move and not planned.has_database:
        with steps.step(f"What {chosen.other_region} has") as found:
            restored = move.move(chosen, datetime.now(UTC), steps.console.print)
            found(str(restored.snapshot))
    if restored:
        with steps.step("Keep what the database is restored from") as found:
            ssm = boto3.client("ssm", region_name=chosen.region, config=CLIENT)
            source.keep(ssm, chosen, restored.parameters)
            found(shown(restored.parameters))
    if planned.is_move and chosen.sends_copies:
        with steps.step("Secrets that were changed there") as found:
            found(", ".join(move.take_secrets(chosen)) or "none")
    with steps.step("Stacks that are being changed") as found:
        found(places.settle(boto3.client("cloudformation", region_name=chosen.region, config=CLIENT), chosen))
    _deploy(chosen, steps, deployed)
    return restored


def _deploy(chosen: Environment, steps: Steps, deployed: Deployed) -> None:
    """Deploy: first the site alone, until the database has more than its instance; that is not taken away again."""
    is_single = not places.has_second_database(boto3.client("rds", region_name=chosen.region, config=CLIENT), chosen)
    if is_single:
        _run(SITE, chosen, steps)
        _move_name(steps, deployed)
        _run(REST, chosen, steps)
        _look_at_pools(chosen, steps)
    _run(WHOLE, chosen, steps)
    if not is_single:
        _move_name(steps, deployed)
        _look_at_pools(chosen, steps)


def _run(deployment: Deployment, chosen: Environment, steps: Steps) -> None:
    with steps.step(deployment.name) as found:
        deployment.run(chosen)
        found("done")


def _move_name(steps: Steps, deployed: Deployed) -> None:
    with steps.step("The site's name") as found:
        found(moved_name.found(deployed))


def _look_at_pools(chosen: Environment, steps: Steps) -> None:
    with steps.step("Pool health") as found:
        found(wait_for_pools(chosen))


def wait_for_pools(chosen: Environment, *, sleep: Callable[[float], None] = time.sleep) -> str:
    """Wait until pool health counts, and the site answers it where nobody has to move its name; return what it found.

    Raises:
        RecoveryError: it does not for ten minutes.
    """
    until = time.monotonic() + _POOL_SECONDS
    while True:
        try:
            result = check.run("pool_health", chosen.names, chosen.region, {})
        except check.CheckError as error:
            found = str(error)
        else:
            site = result["site"] or {}
            found = f"{result['state']}, the site {site.get('state', 'was not asked')}"
            is_named = chosen.domain is None or chosen.has_site_record
            if "pools" in result and (site.get("state") == "ok" or not is_named):
                threads, pools = result["total_active_threads"], result["total_pools"]
                return f"{threads} active threads in {pools} pools, {result['unhealthy_pools']} of them unhealthy"
        if time.monotonic() > until:
            raise RecoveryError(f"after {_POOL_SECONDS / 60:.0f} minutes: {found}; run make recover again")
        sleep(_POOL_PAUSE_SECONDS)


def left(chosen: Environment, point: datetime, now: datetime) -> Table:
    """What nobody may replay blindly."""
    rows = Table("", "", title="What the database does not know", title_justify="left", show_header=False)
    for what, then in unknown(chosen, point, now):
        rows.add_row(what, then)
    return rows


def main(argv: Sequence[str] | None = None, *, outside: Callable[[Environment], Deployed] = Deployed) -> int:
    """Read the command line, look, ask, recover; 0, 1 when it did not succeed, 2 for a bad command line.

    Args:
        outside: how the site is reached from where this runs.
    """
    parser = argparse.ArgumentParser(prog="make recover", description=__doc__)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region", required=True, help="that is in standby")
    parser.add_argument("--image-tag", help="the version; that of config.py by default")
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument("--at", help="recovery point, such as 2026-11-28T03:00:00Z; the latest by default")
    wanted.add_argument("--snapshot", help="ARN of a snapshot in the region, instead of the replicated backups")
    wanted.add_argument("--move", action="store_true", help="stop the other region, and take all that it has")
    parser.add_argument("--insist", metavar="REASON", help="although the other region still serves")
    arguments = parser.parse_args(argv)
    console, errors = Terminal(), Terminal(stderr=True, soft_wrap=True)
    now = datetime.now(UTC)
    try:
        chosen = environment(arguments.environment, region=arguments.region, image_tag=arguments.image_tag)
        at = source.moment(arguments.at) if arguments.at else None
        places.expect_place(chosen)
        with errors.status(f"{chosen.other_region} and {chosen.region} ..."):
            planned = look(chosen, at, arguments.snapshot, is_move=arguments.move)
        console.print(table(planned, now))
        planned.refuse_two(is_insisted=bool(arguments.insist))
        if not agreed(f"Recover {chosen.name} in {chosen.region}?"):
            errors.print("Nothing was changed", style="red")
            return 1
        steps = Steps(console)
        restored = recover(planned, steps, outside(chosen))
    except (BotoCoreError, ClientError, ConfigurationError, RecoveryError, SnapshotError) as error:
        errors.print(str(error), style="red")
        return 1
    console.print(steps.table("Recovered"))
    point = restored.point if restored else begun(planned.kept)
    if point and not planned.is_move:
        console.print(left(chosen, point, datetime.now(UTC)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
