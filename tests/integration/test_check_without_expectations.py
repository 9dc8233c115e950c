"""A check that is deployed runs in a rehearsal, although the rehearsal does not know its name."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from rehearsal.machine.ports import claim_addresses
from rehearsal.postgresql.server import Postgres
from rehearsal.report.facts import NotHeldError, Report
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps.fire_schedule import schedules
from rehearsal.steps.run_checks import prove_others
from tests.integration.emulator_process import Emulator, Resources, function

CHECK = """
import json
def handler(event, context):
    if event["does"] == "fail":
        raise RuntimeError("cannot look")
    if event["does"] == "log":
        print(json.dumps({"function_request_id": context.aws_request_id, "result": {"state": "ok", "count": 3}}))
"""


@pytest.fixture
def run(emulator: Emulator, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A rehearsal on the tests' emulator."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    addresses = claim_addresses()
    report = Report(Console(file=io.StringIO()), tmp_path / "rehearsal.json", ["us-east-1"])
    yield Run(tmp_path, emulator.port, [Region("us-east-1", tmp_path, postgres)], report, addresses)
    addresses.release()


def scheduled_check(check: str, **does: str) -> Resources:
    """A check in the group of the checks' schedules, with what it does on each of them."""
    resources = function([], CHECK)
    resources["Function"]["Properties"]["FunctionName"] = NAMES.check(check)
    resources["Logs"] = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": NAMES.check_log_group(check)}}
    resources["Group"] = {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": NAMES.schedule_group}}
    for schedule, one in does.items():
        target = {
            "Arn": {"Fn::GetAtt": ["Function", "Arn"]},
            "RoleArn": "arn:aws:iam::000000000000:role/run",
            "Input": json.dumps({"does": one}),
        }
        resources[schedule.title() or "Only"] = {
            "Type": "AWS::Scheduler::Schedule",
            "DependsOn": "Group",
            "Properties": {
                "Name": f"{NAMES.check(check)}-{schedule}".rstrip("-"),
                "GroupName": NAMES.schedule_group,
                "ScheduleExpression": "rate(1 day)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": target,
            },
        }
    return resources


def test_every_schedule_of_it_is_run(emulator: Emulator, run: Run) -> None:
    emulator.deploy("new-check", scheduled_check("new_check", daily="log", weekly="log"))
    (region,) = run.regions
    deployed = schedules(run, region)
    assert {check: sorted(names) for check, names in deployed.items()} == {"new_check": ["daily", "weekly"]}

    runs = prove_others(run, region, {**deployed, "pool_health": [""]})

    assert [(one.check, one.schedule, one.result) for one in runs] == [
        ("new_check", "rate(1 day)", {"state": "ok", "count": 3})
    ] * 2
    assert [(one.name, one.result) for one in run.report.checks] == [("new_check succeeds and logs a result", "held")]
    assert run.report.checks[0].seen == "logged state ok, count 3; logged state ok, count 3"
    emulator.delete("new-check")


@pytest.mark.parametrize("does", ["fail", "nothing"])
def test_run_that_fails_or_logs_no_result_does_not_hold(emulator: Emulator, run: Run, does: str) -> None:
    emulator.deploy(f"check-{does}", scheduled_check(f"new_{does}", **{"": does}))
    (region,) = run.regions
    deployed = schedules(run, region)
    assert deployed == {f"new_{does}": [""]}
    with pytest.raises(NotHeldError, match=f"pardon-rehearsal-new-{does} failed or logged no result"):
        prove_others(run, region, deployed)
    emulator.delete(f"check-{does}")
