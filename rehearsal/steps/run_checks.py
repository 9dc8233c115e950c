"""Run every deployed check on its schedules, and compare its result with the actual state."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rehearsal.report.facts import CheckRun, Step
from rehearsal.run import Region, Run
from rehearsal.steps import (
    run_containers,
    run_cost_report,
    run_cron_routes,
    run_database_role,
    run_housekeeping,
    run_pool_health,
    run_rotation,
    run_session_and_thread_cleanup,
)
from rehearsal.steps.fire_schedule import fire, schedules

Prove = Callable[[Run, Region], list[CheckRun]]

# Checks with their own expectations. The first read or change the application: one after the other, in this
# order. The others read only AWS.
_OF_APPLICATION: dict[str, Prove] = {
    "database_role": run_database_role.prove,
    "pool_health": run_pool_health.prove,
    "session_cleanup": run_session_and_thread_cleanup.prove_session_cleanup,
    "thread_cleanup": run_session_and_thread_cleanup.prove_thread_cleanup,
    "cron_routes": run_cron_routes.prove,
    "secret_deployment": run_rotation.prove,
}
_OF_AWS: dict[str, Prove] = {
    "containers": run_containers.prove,
    "cost_report": run_cost_report.prove,
    "housekeeping": run_housekeeping.prove,
}


def prove(run: Run, region: Region, step: Step) -> None:
    """Run the checks of the application one after the other, and in parallel those that read only AWS."""
    before = len(run.report.checks)
    deployed = schedules(run, region)
    run_session_and_thread_cleanup.open_threads(run, region)
    runs = run.parallel(
        lambda: _of_application(run, region, deployed), *(lambda one=one: one(run, region) for one in _OF_AWS.values())
    )
    run.report.runs += [one for some in runs for one in some]
    run.report.checks[before:] = sorted(run.report.checks[before:], key=lambda check: check.name.split()[0])
    step.detail = f"{sum(map(len, runs))} runs of {len(deployed)} checks"


def prove_others(run: Run, region: Region, deployed: Mapping[str, Sequence[str]]) -> list[CheckRun]:
    """Run each check without its own expectations: every run must succeed and log a result.

    Args:
        deployed: names of the schedules of each check.
    """
    runs = []
    for check in sorted(deployed.keys() - _OF_APPLICATION.keys() - _OF_AWS.keys()):
        outcomes = [fire(run, region, check, schedule) for schedule in sorted(deployed[check])]
        found = [outcome.reported(region, _plain(outcome.result)) for outcome in outcomes]
        seen = "; ".join(one.did for one in found)
        run.report.expect(True, region.name, f"{check} succeeds and logs a result", seen)
        runs += found
    return runs


def _plain(result: Mapping[str, Any]) -> str:
    values = [f"{name} {value}" for name, value in result.items() if not isinstance(value, list | dict)]
    return f"logged {', '.join(values) or ', '.join(result)}"


def _of_application(run: Run, region: Region, deployed: Mapping[str, Sequence[str]]) -> list[CheckRun]:
    runs = [one for prove_one in _OF_APPLICATION.values() for one in prove_one(run, region)]
    runs += [_make_check(run, region), *prove_others(run, region, deployed)]
    _expect_logins(run, region)
    return runs


def _make_check(run: Run, region: Region) -> CheckRun:
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
    """Find in the servers' logs that the checks used TLS and were let in by IAM; their tests show that they verify."""
    role = run_database_role.ROLE
    lines = [line for line in region.postgres.log.read_text().splitlines() if f"authorized: user={role} " in line]
    names = {line.partition("application_name=")[2].split()[0] for line in lines}
    is_tls = names >= {"pool_health", "session_cleanup", "thread_cleanup"} and all(
        "SSL enabled" in one for one in lines
    )
    emulator = next(run.logs.glob("emulator-*.log")).read_text()
    let_in, refused = emulator.count(f"IAM lets {role} in"), emulator.count(f"IAM refuses {role}")
    seen = f"{', '.join(sorted(names))}: {len(lines)} connections, IAM let {let_in} in and refused {refused}"
    is_so = is_tls and not refused and let_in >= len(lines)
    run.report.expect(is_so, region.name, "checks reach the database over TLS, with an IAM token", seen)
