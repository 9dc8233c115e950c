"""Responding to CloudFormation, which waits for the response to a custom resource's request: an hour at most.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from ops_lambdas.shared.http import HttpClient, HttpError

_MAX_REASON = 1000  # characters; the whole response may have 4096 bytes
_TRIES = 3
_TRY_SECONDS = 4.0


class ResponseError(RuntimeError):
    """The response to CloudFormation could not be sent."""


def is_request(event: object) -> bool:
    """Whether the event is a request of CloudFormation, which waits for a response."""
    return isinstance(event, dict) and "ResponseURL" in event and "RequestType" in event


def respond(request: Mapping[str, Any], *, physical_id: str, failure: str | None, data: Mapping[str, str]) -> None:
    """Send CloudFormation the outcome of its request.

    Args:
        physical_id: of a new resource. It must never change: after an update with another one, CloudFormation would
            delete the old resource.
        failure: why the resource fails, cut to its last characters; None when it succeeds.
    Raises:
        ResponseError: CloudFormation cannot be reached, or refuses.
    """
    body = {
        "Status": "SUCCESS" if failure is None else "FAILED",
        "Reason": (failure or "done")[-_MAX_REASON:],
        "PhysicalResourceId": request.get("PhysicalResourceId") or physical_id,
        **{key: request.get(key, "") for key in ("StackId", "RequestId", "LogicalResourceId")},
        "Data": data,
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
