"""What CloudFormation requests of the database role, and the response."""

from collections.abc import Callable, Mapping
from typing import Any

from ops_lambdas.database_role.report import RoleResult
from ops_lambdas.shared import custom_resource

PHYSICAL_ID = "database-role"


def respond(
    request: Mapping[str, Any], ensure: Callable[[], RoleResult], failures: tuple[type[Exception], ...]
) -> RoleResult:
    """Do what CloudFormation requests and send it the outcome, even when that is an error.

    Args:
        ensure: creates the role; not called for a deletion, which keeps the role.
        failures: errors whose text CloudFormation gets; for others it gets a general one, and they are raised.

    Raises:
        ResponseError: CloudFormation cannot be reached, or refuses.
    """
    failure: str | None = "unexpected error, see the function's log"
    result: RoleResult = {"state": "left", "reason": "the role is kept when its stack is deleted"}
    try:
        if request["RequestType"] != "Delete":
            result = ensure()
        failure = None
    except failures as error:
        failure = str(error)
        result = {"state": "failed", "reason": failure}
    finally:
        custom_resource.respond(request, physical_id=PHYSICAL_ID, failure=failure, data={"State": result["state"]})
    return result
