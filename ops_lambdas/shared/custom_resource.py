"""Responding to CloudFormation, which waits for the response to a custom resource's request: an hour at most.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from ops_lambdas.shared.aws_errors import AWS_ERRORS
from ops_lambdas.shared.http import HttpClient, HttpError
from ops_lambdas.shared.settings import InvalidSettingError

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
_MAX_BYTES = 4096
_TRIES = 3
_TRY_SECONDS = 4.0


class ResponseError(RuntimeError):
    """The response to CloudFormation could not be sent."""


class NotThereError(RuntimeError):
    """What a resource looks up is not there, or cannot be used; the message says what to do."""


def look_up(
    event: object, find: Callable[..., Mapping[str, str]], *, physical_id: str, logger: Logger
) -> dict[str, Any]:
    """Respond with what `find` returns for the resource's properties. A deletion leaves what was found alone.

    Returns: state, "found", "left" or "failed"; reason of a failure; and what was found.

    Raises:
        InvalidSettingError: the event is no request of CloudFormation.
        ResponseError: CloudFormation cannot be reached, or refuses.
    """
    if not isinstance(event, dict) or not is_request(event):
        raise InvalidSettingError("event", event, "a request of CloudFormation")
    failure, found = None, {}
    if event["RequestType"] != "Delete":
        own = {"ServiceToken", "ServiceTimeout"}  # CloudFormation's
        properties = {key: value for key, value in event["ResourceProperties"].items() if key not in own}
        try:
            found = dict(find(**properties))
        except (NotThereError, *AWS_ERRORS) as error:
            failure = str(error)
        except TypeError as error:
            failure = f"the resource's properties are not those of {physical_id}: {error}"
    result = {"state": "failed" if failure else "found" if found else "left", "reason": failure or "", **found}
    log = logger.error if failure else logger.info
    log("Looked up", extra={"result": result})
    respond(event, physical_id=physical_id, failure=failure, data=found)
    return result


def is_request(event: object) -> bool:
    """Whether the event is a request of CloudFormation, which waits for a response."""
    return isinstance(event, dict) and "ResponseURL" in event and "RequestType" in event


def respond(request: Mapping[str, Any], *, physical_id: str, failure: str | None, data: Mapping[str, str]) -> None:
    """Send CloudFormation the outcome of its request.

    Args:
        physical_id: of a new resource. It must never change: after an update with another one, CloudFormation would
            delete the old resource.
        failure: why the resource fails, cut to its last characters that fit; None when it succeeds.
    Raises:
        ResponseError: CloudFormation cannot be reached, or refuses.
    """
    body = {
        "Status": "SUCCESS" if failure is None else "FAILED",
        "Reason": "",
        "PhysicalResourceId": request.get("PhysicalResourceId") or physical_id,
        **{key: request.get(key, "") for key in ("StackId", "RequestId", "LogicalResourceId")},
        "Data": data,
    }
    content = _with_reason(body, failure or "done")
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


def _with_reason(body: dict[str, Any], reason: str) -> bytes:
    """Return the response with as much of the reason's end as fits; without its data when even that does not."""
    if len(json.dumps(body)) > _MAX_BYTES - 100:
        body = {**body, "Data": {}}
    room = _MAX_BYTES - len(json.dumps(body))
    kept = reason[-max(room, 0) :]
    while kept and len(json.dumps(kept)) - 2 > room:
        kept = kept[-(len(kept) * 9 // 10) :] if len(kept) > 10 else kept[1:]
    return json.dumps({**body, "Reason": kept}).encode()
