"""The former system has the names in the account: they are found, and a deployment over them is refused."""

from dataclasses import replace

from config import REHEARSAL
from procedures.findings import State
from rehearsal.changed_app import changed
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import deploy_stacks, former_system
from rehearsal.steps.run_preflight import look_at

_CHECK = "preflight names what the former system has"


def prove(run: Run, region: Region, step: Step, *, variant: str) -> None:
    """Occupy names, look, deploy and be refused; the recovery region's are free, as docs/cut-over.md has it."""
    occupied = former_system.occupy(run, region)
    found = _in_use(run, region, region.name, variant)
    run.report.expect(found == occupied, region.name, _CHECK, ", ".join(sorted(found)))
    stack = NAMES.stack("network")
    output = deploy_stacks.deploy_assembly(
        run, region, variant, "cdk deploy over a name", chosen=stack, allowed=(1,), is_plain=True
    )
    is_refused = "already exists" in output and NAMES.flow_log_group in output
    status = deploy_stacks.describe_stacks(run, region).get(stack, {}).get("StackStatus", "absent")
    run.report.expect(is_refused, region.name, "a deployment over a name that exists is refused", status)
    # The templates are the home region's; in another one, a deployment makes no vault beside the standby's.
    beside = _in_use(run, region, REHEARSAL.recovery_region, variant) - {NAMES.backup_vault}
    seen = ", ".join(sorted(beside)) or "every name is free"
    run.report.expect(not beside, region.name, f"beside it, in {REHEARSAL.recovery_region}, names are free", seen)

    former_system.free(run, region)
    step.detail = f"{len(occupied)} names in use, {stack} {status}"


def _in_use(run: Run, region: Region, place: str, variant: str) -> set[str]:
    environment = replace(changed(REHEARSAL, "protected"), region=place)
    findings = look_at(run, region, environment, variant)
    lines = [one.found.partition(": ")[2] for one in findings if one.area == "names" and one.state is State.FAILS]
    return {name for line in lines for name in line.split(", ")}
