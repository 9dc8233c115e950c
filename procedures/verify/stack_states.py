"""The stacks: each exists, and its last deployment has ended well."""

from collections.abc import Iterator

from procedures.findings import Finding, State
from procedures.verify.deployed import Deployed

_DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


def stacks(aws: Deployed) -> Iterator[Finding]:
    """Every stack has been deployed; one that was rolled back is as it was before."""
    faults = []
    for name in aws.names.stacks:
        status = aws.stacks[name]["StackStatus"] if name in aws.stacks else "does not exist"
        if status not in _DONE:
            faults.append((name, status))
    for name, status in faults:
        is_running = status.endswith("IN_PROGRESS")
        yield Finding(
            area="stacks",
            subject=name,
            state=State.NOT_YET if is_running else State.FAILS,
            found=status,
            mend=f"make verify {aws.options}, when it has ended" if is_running else f"make deploy {aws.options}",
        )
    if not faults:
        found = f"{len(aws.stacks)} of {len(aws.names.stacks)} are deployed"
        yield Finding(area="stacks", subject="stacks", state=State.HOLDS, found=found)
