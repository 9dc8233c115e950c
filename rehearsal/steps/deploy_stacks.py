"""Deploy a region with the CDK CLI, deploy again, show and deploy a change, and destroy it."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config import REHEARSAL
from rehearsal.machine.processes import Process
from rehearsal.report.facts import Placeholder, Resource, Step
from rehearsal.run import ACCOUNT, NAMES, Region, Run

CHANGED_TAG = "rehearsal-2"
_CDK: list[str] = ["cdk", "--no-notices", "--no-version-reporting", "--ci"]
_TOOLKIT = "CDKToolkit"


def begin_synth(run: Run, region: Region, variant: str, *context: str, changes: Sequence[str] = ()) -> Process:
    """Begin to synthesize the application for a region into the assembly called `variant`.

    Args:
        changes: of the configuration, as `rehearsal.changed_app` names them.
    """
    values = ["environment=rehearsal", f"region={region.name}", *context]
    options = [argument for value in values for argument in ("--context", value)]
    if changes:
        options += ["--app", "python -m rehearsal.changed_app", "--context", f"changes={','.join(changes)}"]
    arguments: list[str | Path] = [*_CDK, "synth", "--quiet", "--strict", *options]
    arguments += ["--output", region.assembly(variant)]
    return run.begin(f"cdk synth {variant} {region.name}", arguments, region)


def bootstrap(run: Run, step: Step) -> None:
    """Prepare the account for the CDK in every region, and those that backups are copied to."""
    names = dict.fromkeys([*(region.name for region in run.regions), REHEARSAL.home_region, REHEARSAL.recovery_region])
    targets = [f"aws://{ACCOUNT}/{name}" for name in names]
    first = run.regions[0]
    # Not in the project's folder: the CLI would synthesize the application to find what to bootstrap.
    run.finish(run.begin("cdk bootstrap", [*_CDK, "bootstrap", *targets], first, folder=run.folder))
    step.detail = ", ".join(targets)


def stand_by(run: Run, step: Step) -> None:
    """Deploy what must be in the recovery region before a disaster, as `make standby` does."""
    options = ["--require-approval", "never", "--method", "direct", "--concurrency", "4"]
    output = run.finish(run.begin("make standby", _standby(run, "deploy", *options), run.regions[0]))
    step.detail = f"{output.count('✅')} stacks in {REHEARSAL.recovery_region}"


def end_standby(run: Run) -> None:
    """Destroy it."""
    run.finish(run.begin("destroy standby", _standby(run, "destroy", "--force"), run.regions[0]))


def _standby(run: Run, verb: str, *options: str) -> list[str | Path]:
    context = ["--context", "environment=rehearsal", "--context", "standby=true"]
    return [*_CDK, verb, "--all", *options, *context, "--output", run.standby_assembly]


def deploy(run: Run, region: Region, step: Step) -> None:
    """Deploy every stack of the region and record its resources."""
    output = deploy_assembly(run, region, "first", "cdk deploy")
    names = region.stack_names()
    stacks = describe_stacks(run, region)
    statuses = Counter(stacks.get(name, {}).get("StackStatus", "absent") for name in names)
    is_complete = set(statuses) == {"CREATE_COMPLETE"}
    seen = ", ".join(f"{count} {status}" for status, count in statuses.items())
    run.report.expect(is_complete, region.name, "cdk deploy --all creates every stack", seen)
    record_resources(run, region)
    count = sum(one.region == region.name for one in run.report.resources)
    step.detail = f"{output.count('✅')} stacks, {count} resources"


def deploy_again(run: Run, region: Region) -> None:
    """Deploy what was synthesized again, and check that no stack was updated."""
    before = updated_at(run, region)
    output = deploy_assembly(run, region, "again", "cdk deploy again")
    after = updated_at(run, region)
    changed = [name for name in after if after[name] != before.get(name)]
    names = region.stack_names()
    is_same = not changed and output.count("(no changes)") == len(names)
    seen = f"{output.count('(no changes)')} of {len(names)} stacks without changes"
    if changed:
        seen += f"; changed: {', '.join(changed)} (sources edited meanwhile, or synthesis not repeatable)"
    run.report.expect(is_same, region.name, "a second cdk deploy changes nothing", seen)


def diff_nothing(run: Run, region: Region, variant: str = "again") -> None:
    """Check that `cdk diff` finds nothing after a deployment of that assembly."""
    process = run.begin("cdk diff", _diff(region, variant), region)
    output = run.finish(process, allowed=(0, 1))
    seen = _last_line(output)
    run.report.expect(process.popen.returncode == 0, region.name, "cdk diff finds nothing", seen)


def diff_change(run: Run, region: Region) -> None:
    """Check that `cdk diff` shows another image tag, and where it is used."""
    process = run.begin("cdk diff changed", _diff(region, "changed"), region)
    output = run.finish(process, allowed=(0, 1))
    is_shown = process.popen.returncode == 1 and f":{CHANGED_TAG}" in output
    seen = _last_line(output)
    name = f"cdk diff shows the change to image tag {CHANGED_TAG}"
    run.report.expect(is_shown and "AWS::ECS::TaskDefinition" in output, region.name, name, seen)


def deploy_change(run: Run, region: Region, step: Step) -> None:
    """Deploy the other image tag and find it in the task definition that the service runs."""
    deploy_assembly(run, region, "changed", "cdk deploy changed")
    ecs = run.client("ecs", region)
    service = ecs.describe_services(cluster=NAMES.cluster, services=[NAMES.service])["services"][0]
    definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    images = [container["image"] for container in definition["containerDefinitions"]]
    step.detail = f"{definition['family']}:{definition['revision']}, {len(images)} containers"
    is_deployed = bool(images) and all(image.endswith(f":{CHANGED_TAG}") for image in images)
    seen = f"{definition['family']}:{definition['revision']} runs {', '.join(sorted(set(map(_tag, images))))}"
    run.report.expect(is_deployed, region.name, "the deployed service runs the changed image tag", seen)


def destroy(run: Run, region: Region, step: Step, variant: str) -> None:
    """Destroy every stack of the region, deployed as this variant."""
    arguments: list[str | Path] = [*_CDK, "destroy", "--app", region.assembly(variant), "--all", "--force"]
    run.finish(run.begin("cdk destroy", arguments, region))
    left = [name for name in describe_stacks(run, region) if name != _TOOLKIT]
    step.detail = f"{len(region.stack_names())} stacks"
    seen = ", ".join(left) or "no stack left"
    run.report.expect(not left, region.name, "cdk destroy --all destroys every stack", seen)


def deploy_assembly(
    run: Run,
    region: Region,
    variant: str,
    name: str,
    *,
    chosen: str = "--all",
    allowed: Sequence[int] = (0,),
    is_plain: bool = False,
) -> str:
    """Deploy an assembly and return the CLI's output; its exit code is an allowed one.

    Args:
        chosen: a stack, which is deployed with those that it depends on; all otherwise.
        is_plain: as `cdk deploy` does by itself, with change sets and one stack after the other, which takes longer.
    """
    app = region.assembly(variant)
    options = ["--require-approval", "never", "--progress", "events"]
    options += [] if is_plain else ["--method", "direct", "--concurrency", "4"]
    return run.finish(run.begin(name, [*_CDK, "deploy", "--app", app, chosen, *options], region), allowed)


def prepare_change_set(run: Run, region: Region, variant: str, stack: str) -> None:
    """Create the change set of a stack without executing it."""
    options = ["--exclusively", "--require-approval", "never", "--method", "prepare-change-set"]
    app = region.assembly(variant)
    run.finish(run.begin("cdk prepare change set", [*_CDK, "deploy", "--app", app, stack, *options], region))


def describe_stacks(run: Run, region: Region) -> dict[str, dict[str, Any]]:
    """Describe the region's stacks by name; those that were deleted are absent."""
    pages = run.client("cloudformation", region).get_paginator("describe_stacks").paginate()
    stacks = [stack for page in pages for stack in page["Stacks"]]
    return {stack["StackName"]: stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"}


def record_resources(run: Run, region: Region) -> None:
    """Record the resources of the region's stacks, and which of them are placeholders."""
    formation = run.client("cloudformation", region)
    for stack in region.stack_names():
        for page in formation.get_paginator("list_stack_resources").paginate(StackName=stack):
            types = [one["ResourceType"] for one in page["StackResourceSummaries"]]
            run.report.resources += [Resource(region.name, stack, type_) for type_ in types]
    recorded = run.folder / "emulator" / "placeholders.jsonl"
    lines = recorded.read_text().splitlines() if recorded.exists() else []
    placeholders = [Placeholder(**json.loads(line)) for line in lines]
    run.report.placeholders += [one for one in placeholders if one.region == region.name]


def _diff(region: Region, variant: str) -> Sequence[str | Path]:
    return [*_CDK, "diff", "--app", region.assembly(variant), "--fail", "--method", "template"]


def updated_at(run: Run, region: Region) -> dict[str, Any]:
    """When each stack of the region was last changed, by its name."""
    stacks = describe_stacks(run, region)
    return {name: stack.get("LastUpdatedTime", stack["CreationTime"]) for name, stack in stacks.items()}


def _last_line(output: str) -> str:
    lines = [line.strip(" ✨\t") for line in output.splitlines() if "differences" in line]
    return re.sub(r"\s+", " ", lines[-1]) if lines else "no count of differences"


def _tag(image: str) -> str:
    return image.rpartition(":")[2]
