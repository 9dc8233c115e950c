"""The agents' prompts in the configuration bucket: without the shared ones no agent starts."""

from collections.abc import Iterator

from procedures.findings import Finding, State
from procedures.preflight.deployment import Deployment

_FOLDER = "current/shared/"
# What the agents' start script ends without; it goes on without the agents' own files.
REQUIRED = ("operational-template", "personality-template", "scoring-mandate", "agent-comms-note")


def prompts(aws: Deployment) -> Iterator[Finding]:
    """The required files are there. Late ones fail nothing: agents try again until they find them."""
    if not any(container.reads_configuration for container in aws.environment.containers):
        return
    stack = aws.environment.names.stack("data")
    if not aws.stands("data"):
        yield _finding(State.NOT_YET, "the deployment makes their bucket", f"make deploy {aws.options}")
        return
    described = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", ())}
    if "ConfigurationBucket" not in outputs:
        yield _finding(State.NOT_YET, f"{stack} has not been created yet", f"make deploy {aws.options}")
        return
    bucket = outputs["ConfigurationBucket"]
    pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_FOLDER)
    there = {one["Key"] for page in pages for one in page.get("Contents", ()) if one["Size"]}
    missing = [name for name in (f"{_FOLDER}{one}.txt" for one in REQUIRED) if name not in there]
    if missing:
        yield _finding(State.NOT_YET, f"missing: {', '.join(missing)}", f"aws s3 sync prompts/ s3://{bucket}/")
    else:
        yield _finding(State.HOLDS, f"{len(REQUIRED)} of {len(REQUIRED)} required files")


def _finding(state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="prompts", subject="shared prompts", state=state, found=found, mend=mend)
