"""Cost Explorer, which the cost report reads: it is enabled, and knows the tag that tells environments apart."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from procedures.findings import Finding, State
from procedures.preflight.deployment import Deployment

TAG = "Environment"


def cost_explorer(aws: Deployment) -> Iterator[Finding]:
    """The cost-allocation tag is active. Nothing else of a deployment waits for it.

    An account that never opened Cost Explorer, and a member of an organization, are denied.
    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html
    """
    try:
        answer = aws.client("ce").list_cost_allocation_tags(TagKeys=[TAG], Status="Active")
    except ClientError as error:
        if not error.response["Error"]["Code"].startswith("AccessDenied"):
            raise
        mend = "Open Cost Explorer in the console once, in the organization's management account if there is one"
        yield _finding(State.NOT_YET, error.response["Error"]["Message"], mend)
        return
    if answer["CostAllocationTags"]:
        yield _finding(State.HOLDS, "is active")
        return
    mend = f"aws ce update-cost-allocation-tags-status --cost-allocation-tags-status TagKey={TAG},Status=Active"
    found = "is not active; AWS knows it a day after the first deployment"
    yield _finding(State.NOT_YET, found, mend)


def _finding(state: State, found: str, mend: str = "") -> Finding:
    return Finding(area="costs", subject=f"cost-allocation tag {TAG}", state=state, found=found, mend=mend)
