"""A first deployment that fails twice, and is deployed again with the same command."""

from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import deploy_stacks

# The layer, and a resource of it that is created after the database instance, or the load balancer, is there.
_FAULTS = (("data", "DatabaseReplica"), ("service", "ServiceScaling"))
_GONE = {
    "data": ("rds", "describe_db_instances", "DBInstances"),
    "service": ("elbv2", "describe_load_balancers", "LoadBalancers"),
}


def prove(run: Run, region: Region, step: Step, *, variant: str) -> None:
    """Each failed creation is rolled back whole, and `cdk deploy --all` once more gets past it."""
    file = run.folder / "emulator" / "fail-once"
    for layer, resource in _FAULTS:
        stack = NAMES.stack(layer)
        file.write_text(f"{stack} {resource}\n")
        deploy_stacks.deploy_assembly(run, region, variant, f"cdk deploy fails in {layer}", allowed=(1,), is_plain=True)
        found = deploy_stacks.describe_stacks(run, region)[stack]
        service, operation, key = _GONE[layer]
        left = getattr(run.client(service, region), operation)()[key]
        is_clean = found["StackStatus"] == "ROLLBACK_COMPLETE" and not left and not file.read_text().strip()
        seen = f"{found['StackStatus']}, {len(left)} {key} left"
        run.report.expect(is_clean, region.name, f"a creation that fails in -{layer} is rolled back", seen)
    deploy_stacks.deploy_assembly(run, region, variant, "cdk deploy at last", is_plain=True)
    statuses = {
        one["StackStatus"] for name, one in deploy_stacks.describe_stacks(run, region).items() if name in NAMES.stacks
    }
    name = "cdk deploy --all completes what failed twice"
    run.report.expect(statuses == {"CREATE_COMPLETE"}, region.name, name, ", ".join(sorted(statuses)))
    step.detail = "failed in -data and in -service, then complete"
