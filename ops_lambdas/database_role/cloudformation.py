"""Responding to CloudFormation, which waits an hour for the response to a custom resource's request.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from ops_lambdas.database_role.report import RoleResult
from ops_lambdas.shared.http import HttpClient, HttpError

# The id never changes: after an update with a new id, CloudFormation would delete the old resource.
PHYSICAL_ID = "database-role"
_MAX_REASON = 1000  # the whole response may have 4096 bytes
_TRIES = 3
_TRY_SECONDS = 4.0


class ResponseError(RuntimeError):
    """The response to CloudFormation could not be sent."""


def is_request(event: object) -> bool:
    """Whether the event is a request of CloudFormation, which waits for a response."""
    return isinstance(event, dict) and "ResponseURL" in event and "RequestType" in event


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
        _send(request, failure, result["state"])
    return result


def _send(request: Mapping[str, Any], failure: str | None, state: str) -> None:
    body = {
        "Status": "SUCCESS" if failure is None else "FAILED",
        "Reason": (failure or "done")[:_MAX_REASON],
        "PhysicalResourceId": request.get("PhysicalResourceId") or PHYSICAL_ID,
        **{key: request.get(key, "") for key in ("StackId", "RequestId", "LogicalResourceId")},
        "Data": {"State": state},
    }
    content = json.dumps(body).encode()
    problem = ""
    for turn in range(_TRIES):
        time.sleep(turn)
        try:
            with HttpClient(seconds=_TRY_SECONDS, answer_seconds=_TRY_SECONDS) as client:
                # The URL is signed for an empty content type.
                status = client.request(
                    "PUT", str(request["ResponseURL"]), headers={"Content-Type": ""}, body=content
                ).status
        except HttpError as error:
            problem = error.kind  # its text contains the signed address
        else:
            if 200 <= status < 300:
                return
            problem = f"status {status}"
    raise ResponseError(f"the response to CloudFormation cannot be sent: {problem}")
