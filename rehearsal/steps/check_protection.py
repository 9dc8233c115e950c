"""What `protection` has switched on after a deployment, and that it stays on."""

from typing import Any

from botocore.exceptions import ClientError

from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import deploy_stacks, fire_schedule

_SECONDS = 60
_OTHERS = ("stack policy", "instance", "load balancer")


def prove(run: Run, region: Region, step: Step, *, variant: str) -> None:
    """Everything is protected after the deployment, after an update, and after a deployment without changes."""
    run.poll(lambda: not off(run, region) or None, timeout_seconds=_SECONDS, what="protection after the deployment")
    cloudformation = run.client("cloudformation", region)
    refused = 0
    for stack in NAMES.stacks:
        try:
            cloudformation.delete_stack(StackName=stack)
        except ClientError as error:
            refused += "TerminationProtection is enabled" in str(error)
    name = "every stack, the instance and the load balancer are protected from deletion"
    run.report.expect(refused == len(NAMES.stacks), region.name, name, f"{refused} deletions refused")

    deploy_stacks.deploy_assembly(run, region, variant, "cdk deploy without changes", is_plain=True)
    switched_off = len(off(run, region))
    fire_schedule.fire(run, region, "protection")
    seen = f"{switched_off} off after it, {len(off(run, region))} after the schedule"
    name = "a deployment without changes leaves nothing unprotected for longer than the schedule"
    run.report.expect(not off(run, region), region.name, name, seen)
    step.detail = seen


def expect_on_after_update(run: Run, region: Region) -> None:
    """Wait for CloudFormation's events of an update to bring protection back."""
    run.poll(lambda: not off(run, region) or None, timeout_seconds=_SECONDS, what="protection after the update")
    run.report.expect(True, region.name, "an update's event brings protection back", "all on")


def expect_off(run: Run, region: Region) -> None:
    """Wait for the events of a deployment as unprotected to switch every protection off."""
    count = len(NAMES.stacks) + len(_OTHERS)
    what = "protection switched off after the deployment"
    run.poll(lambda: len(off(run, region)) == count or None, timeout_seconds=_SECONDS, what=what)
    run.report.expect(True, region.name, "deployed as unprotected, nothing is protected", f"{count} off")


def off(run: Run, region: Region) -> list[str]:
    """The stacks and others that are not protected."""
    cloudformation = run.client("cloudformation", region)
    stacks = deploy_stacks.describe_stacks(run, region)
    found = [name for name in NAMES.stacks if not stacks.get(name, {}).get("EnableTerminationProtection")]
    policy = cloudformation.get_stack_policy(StackName=NAMES.stack("data")).get("StackPolicyBody", "")
    (instance,) = run.client("rds", region).describe_db_instances(DBInstanceIdentifier=NAMES.database)["DBInstances"]
    elbv2 = run.client("elbv2", region)
    (balancer,) = elbv2.describe_load_balancers(Names=[NAMES.load_balancer])["LoadBalancers"]
    attributes: list[dict[str, Any]] = elbv2.describe_load_balancer_attributes(
        LoadBalancerArn=balancer["LoadBalancerArn"]
    )["Attributes"]
    on = {"Key": "deletion_protection.enabled", "Value": "true"}
    are_on = ("Deny" in policy, instance["DeletionProtection"], on in attributes)
    return found + [name for name, is_on in zip(_OTHERS, are_on, strict=True) if not is_on]
