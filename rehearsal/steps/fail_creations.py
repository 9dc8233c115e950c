"""First deployments that fail in every way that leaves a stack behind, and are deployed again with the same command."""

from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import deploy_stacks, run_migrations

# Resources that are created late, when the database instance, or the load balancer, is there; and one whose deletion
# fails, as that of a protected load balancer's would.
_FAULTS = {
    "data": ("create DatabaseReplica",),
    "service": ("create ServiceTaskCount", "delete LoadBalancerTasks"),
}
_STATUSES = {"data": "ROLLBACK_COMPLETE", "service": "ROLLBACK_FAILED"}
_GONE = {
    "data": ("rds", "describe_db_instances", "DBInstances"),
    "service": ("elbv2", "describe_load_balancers", "LoadBalancers"),
}


def prove(run: Run, region: Region, step: Step, *, variant: str) -> None:
    """A stack in review and two failed creations: `cdk deploy --all` once more gets past each."""
    network = NAMES.stack("network")
    deploy_stacks.prepare_change_set(run, region, variant, network)
    status = deploy_stacks.describe_stacks(run, region)[network]["StackStatus"]
    name = "a change set that nobody executed leaves its stack in review"
    run.report.expect(status == "REVIEW_IN_PROGRESS", region.name, name, status)

    file = run.folder / "emulator" / "fail-once"
    for layer, faults in _FAULTS.items():
        stack = NAMES.stack(layer)
        file.write_text("".join(f"{stack} {fault}\n" for fault in faults))
        deploy_stacks.deploy_assembly(run, region, variant, f"cdk deploy fails in {layer}", allowed=(1,), is_plain=True)
        status = deploy_stacks.describe_stacks(run, region)[stack]["StackStatus"]
        service, operation, key = _GONE[layer]
        left = getattr(run.client(service, region), operation)()[key]
        is_rolled_back = status == _STATUSES[layer] and not left and not file.read_text().strip()
        name = f"a creation that fails in -{layer} leaves nothing that is protected"
        run.report.expect(is_rolled_back, region.name, name, f"{status}, {len(left)} {key} left")

    _prove_migration(run, region)
    deploy_stacks.deploy_assembly(run, region, variant, "cdk deploy at last", is_plain=True)
    stacks = deploy_stacks.describe_stacks(run, region)
    statuses = {stacks[name]["StackStatus"] for name in NAMES.stacks}
    name = "cdk deploy --all completes what is in review, rolled back, or failed to roll back"
    run.report.expect(statuses == {"CREATE_COMPLETE"}, region.name, name, ", ".join(sorted(statuses)))
    step.detail = "REVIEW_IN_PROGRESS, ROLLBACK_COMPLETE, ROLLBACK_FAILED, then complete"


def _prove_migration(run: Run, region: Region) -> None:
    """The very first migration fails: there is no service yet that could stay as it is."""
    output = deploy_stacks.deploy_assembly(
        run, region, run_migrations.BROKEN, "cdk deploy fails in its first migration", allowed=(1,)
    )
    status = deploy_stacks.describe_stacks(run, region)[NAMES.stack("service")]["StackStatus"]
    services = run.client("ecs", region).list_clusters()["clusterArns"]
    is_rolled_back = run_migrations.REASON in output and status == "ROLLBACK_COMPLETE" and not services
    name = "a first migration that fails ends the first deployment, with its last lines"
    run.report.expect(is_rolled_back, region.name, name, f"{status}, {len(services)} clusters left")
