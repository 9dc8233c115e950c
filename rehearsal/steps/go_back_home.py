"""The way back: the home region comes back with old data, stands down, and takes over what was written since."""

import json
import re
import sys
import time
from datetime import UTC, datetime

from config import REHEARSAL
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import recover_region, set_up_application
from rehearsal.steps.document_commands import run_in_shell
from rehearsal.steps.lose_home_region import Moment, rows_of
from rehearsal.steps.run_verify import deployed

_SINCE = """INSERT INTO "User" ("id", "walletAddress", "username") VALUES (:id, :id, 'since the recovery')"""
_COUNT = 25
_CUT = "Keep what the database is restored from ..."


def come_back(run: Run, home: Region, there: Region, step: Step) -> None:
    """Its tasks answer again, and the site's name stays where it was recovered: no user writes to the old data."""
    _set_serving(run, there, "ALARM")
    (run.folder / "emulator" / "lost-regions.json").write_text("[]")
    old = set_up_application.connect(run, home)
    ((lost,),) = old.run("""SELECT count(*) FROM "User" WHERE "id" LIKE 'after-%'""")
    old.close()
    host, _ = deployed(run, there, REHEARSAL).address(str(REHEARSAL.domain), 443)
    step.detail = f"{lost} users of the old database are not in the new one; the name leads to {host}"
    held = lost > 0 and host in there.hosts
    run.report.expect(held, home.name, "a home region that comes back gets no user", step.detail)
    database = set_up_application.connect(run, there)
    for number in range(_COUNT):
        database.run(_SINCE, id=f"since-{number}")
    database.close()


def stand_down(run: Run, region: Region, step: Step) -> str:
    """Tasks and what costs by the hour are gone; the old database is kept under another name. Return the output."""
    words = ["--environment", REHEARSAL.name, "--region", region.name]
    script = f"echo yes | {sys.executable} -u -m procedures.stand_down {' '.join(words)}"
    output = run.finish(run.begin("make stand-down", ["bash", "-o", "pipefail", "-c", script], region))
    region.secrets_file.unlink()
    instances = run.client("rds", region).describe_db_instances()["DBInstances"]
    names = [one["DBInstanceIdentifier"] for one in instances]
    kept = [name for name in names if name.startswith(f"{NAMES.database}-until-")]
    services = run.client("ecs", region).describe_services(cluster=NAMES.cluster, services=[NAMES.service])["services"]
    running = [one for one in services if one["status"] == "ACTIVE"]
    step.detail = f"kept: {', '.join(kept)}"
    held = len(kept) == 1 and NAMES.database not in names and not running
    run.report.expect(
        held, region.name, "after make stand-down the old database is kept, and nothing serves", step.detail
    )
    return output


def delete_old(run: Run, region: Region, output: str, step: Step) -> None:
    """What `make stand-down` has shown deletes the old database, and leaves its last snapshot."""
    for command in re.findall("^  (aws rds .*)", output, re.MULTILINE):
        run_in_shell(run, region, command)
    rds = run.client("rds", region)
    left = [one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"]]
    snapshots = [one["DBSnapshotIdentifier"] for one in rds.describe_db_snapshots()["DBSnapshots"]]
    kept = [name for name in snapshots if name.startswith(f"{NAMES.database}-until-")]
    step.detail = f"left: {', '.join(left) or 'no database'}, {', '.join(kept)}"
    is_so = not left and len(kept) == 1
    run.report.expect(is_so, region.name, "the old database is deleted as make stand-down says", step.detail)


def move(run: Run, source: Region, target: Region, step: Step) -> Moment:
    """Stop the one region and recover the other with all that it had; killed once, and run again."""
    rows = set_up_application.connect(run, source)
    expected = Moment(datetime.now(UTC), rows_of(rows))
    rows.close()
    started = time.monotonic()
    process = recover_region.begin(run, target, "--move")
    recover_region.wait_for(run, target, process, lambda text: _CUT in text)
    process.stop()
    _set_serving(run, source, "OK")  # its tasks have ended
    process = recover_region.begin(run, target, "--move")
    recover_region.wait_for(run, target, process, lambda text: "of them unhealthy" in text)
    run.finish(process)
    step.detail = f"{time.monotonic() - started:.0f} s, nothing is lost"
    return expected


def prove_standby(run: Run, home: Region, there: Region, step: Step) -> None:
    """The recovery region has copies of the secrets again, and home's backups reach it."""
    secrets = run.client("secretsmanager", there)
    name = NAMES.secret("cron-secret")
    home_value = run.client("secretsmanager", home).get_secret_value(SecretId=name)["SecretString"]
    described = secrets.describe_secret(SecretId=name)
    is_copy = described.get("PrimaryRegion") == home.name
    is_equal = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"]) == json.loads(home_value)
    backups = run.client("rds", there).describe_db_instance_automated_backups(DBInstanceIdentifier=NAMES.database)
    regions = [one["Region"] for one in backups["DBInstanceAutomatedBackups"]]
    step.detail = f"secrets follow {described.get('PrimaryRegion')}, backups come from {', '.join(regions)}"
    held = is_copy and is_equal and home.name in regions
    run.report.expect(held, there.name, "the recovery region is a standby again", step.detail)


def _set_serving(run: Run, there: Region, state: str) -> None:
    """Set the state that the alarm has on AWS by the number of healthy targets, which the emulator does not publish."""
    run.client("cloudwatch", there).set_alarm_state(
        AlarmName=NAMES.serving_alarm, StateValue=state, StateReason="as the load balancer's targets are"
    )
