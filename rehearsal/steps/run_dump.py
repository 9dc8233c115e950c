"""Dump the database, restore it after its tables are gone, and see what fails fail."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from config import REHEARSAL
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.stand_in.postgresql_client import ClientsUnavailableError, clients
from rehearsal.steps.document_commands import run_in_shell
from rehearsal.steps.inbox import Inbox
from rehearsal.steps.set_up_application import database_secret, query

_WAIT_SECONDS = 60
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
_EMPTY = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"


def prove(run: Run, region: Region, step: Step) -> None:
    """A dump by hand and one by the schedule; a restore that is refused, one that succeeds, a dump that fails."""
    try:
        clients()
    except ClientsUnavailableError as error:
        step.detail = f"not rehearsed: {error}"
        return
    bucket = _bucket(run, region)
    others = set(_keys(run, region, bucket))
    output = _make(run, region, "dump")
    (key,) = set(_keys(run, region, bucket)) - others
    name = "make dump puts the dump and its row counts into the bucket"
    run.report.expect(key in output, region.name, name, output.strip().splitlines()[-1])
    _by_schedule(run, region, bucket)

    before = _rows(run, region)
    refused = _restore(run, region, key, allowed=(1,))
    is_left = "is not empty" in refused and _rows(run, region) == before
    run.report.expect(is_left, region.name, "a restore into a database with tables is refused", "nothing has changed")
    query(run, region, _EMPTY)
    output = _restore(run, region, key)
    after = _rows(run, region)
    counted = sum(map(len, before.values()))
    is_restored = after == before and "as many rows as were dumped" in output
    seen = f"{counted} rows in {len(before)} tables, {output.strip().splitlines()[-1]}"
    run.report.expect(is_restored, region.name, "make restore-dump restores every row into the empty database", seen)
    _fail(run, region, bucket)
    step.detail = f"{counted} rows dumped, lost, restored"


def _by_schedule(run: Run, region: Region, bucket: str) -> None:
    """The weekly schedule, moved to now, starts a dump, too."""
    scheduler, before = run.client("scheduler", region), set(_keys(run, region, bucket))
    deployed = scheduler.get_schedule(Name=NAMES.dump)
    kept = {one: deployed[one] for one in ("Name", "FlexibleTimeWindow", "State", "Target")}
    soon = datetime.now(UTC) + timedelta(seconds=1)
    scheduler.update_schedule(**kept, ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})")
    run.poll(
        lambda: set(_keys(run, region, bucket)) - before or None,
        timeout_seconds=_WAIT_SECONDS,
        what="the dump of the schedule",
    )
    scheduler.update_schedule(**kept, ScheduleExpression=deployed["ScheduleExpression"])
    run.report.expect(True, region.name, "the schedule dumps, too", deployed["ScheduleExpression"])


def _fail(run: Run, region: Region, bucket: str) -> None:
    """A table that the application may not read: no dump, the reason in the output, and an email."""
    inbox, before = Inbox(run, region), _keys(run, region, bucket)
    admin = region.postgres.connect(database_secret(run, region)["dbname"])
    admin.run("CREATE TABLE public.hidden (id int)")
    output = _make(run, region, "dump", allowed=(1,))
    admin.run("DROP TABLE public.hidden")
    admin.close()
    has_reason = "permission denied for table hidden" in output and _keys(run, region, bucket) == before
    name = "a dump that lacks a table fails, and nothing is uploaded"
    run.report.expect(has_reason, region.name, name, output.strip().splitlines()[-1])
    emails = inbox.wait(lambda email: NAMES.dump in email.message and email.message.startswith('"P4'))
    seen = emails[0].message.partition("\n")[0] if emails else "no email"
    run.report.expect(bool(emails), region.name, "a dump that fails is emailed", seen)


def _make(run: Run, region: Region, procedure: str, allowed: tuple[int, ...] = (0,)) -> str:
    arguments: list[str | Path] = [sys.executable, "-m", f"procedures.{procedure}"]
    arguments += ["--environment", REHEARSAL.name, "--region", region.name]
    return run.finish(run.begin(f"make {procedure}", arguments, region), allowed)


def _restore(run: Run, region: Region, key: str, allowed: tuple[int, ...] = (0,)) -> str:
    options = f"--environment {REHEARSAL.name} --region {region.name} --dump {key}"
    command = f"{sys.executable} -m procedures.restore_dump {options} <<< {REHEARSAL.name}"
    return run_in_shell(run, region, command, allowed=allowed)


def _bucket(run: Run, region: Region) -> str:
    (stack,) = run.client("cloudformation", region).describe_stacks(StackName=NAMES.stack("data"))["Stacks"]
    return str(next(one["OutputValue"] for one in stack["Outputs"] if one["OutputKey"] == "DumpBucket"))


def _keys(run: Run, region: Region, bucket: str) -> list[str]:
    """Of the complete dumps."""
    found: list[dict[str, Any]] = run.client("s3", region).list_objects_v2(Bucket=bucket).get("Contents", [])
    return sorted(one["Key"].rpartition("/")[0] for one in found if one["Key"].endswith("/rows.csv"))


def _rows(run: Run, region: Region) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    found = {}
    for (table,) in query(run, region, _TABLES):
        found[table] = sorted(str(row) for row in query(run, region, f'SELECT * FROM public."{table}"'))  # noqa: S608
    return found
