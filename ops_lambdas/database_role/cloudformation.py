"""Answering CloudFormation, which waits an hour for the answer to a custom resource's request.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from ops_lambdas.database_role.core import RoleResult
from ops_lambdas.shared.http import HttpClient, HttpError

# The role is never another one for CloudFormation: a new id would have it deleted after an update.
PHYSICAL_ID = "database-role"
_MAX_REASON = 1000  # the whole answer may have 4096 bytes
_TRIES = 3
_TRY_SECONDS = 4.0


class AnswerError(RuntimeError):
    """CloudFormation could not be told."""


def is_request(event: object) -> bool:
    """Whether CloudFormation asks, and waits for an answer."""
    return isinstance(event, dict) and "ResponseURL" in event and "RequestType" in event


def respond(
    request: Mapping[str, Any], ensure: Callable[[], RoleResult], failures: tuple[type[Exception], ...]
) -> RoleResult:
    """Do what CloudFormation asks for and tell it the outcome, also when that is an error.

    Args:
        ensure: makes the role; not called for a deletion, which leaves it.
        failures: errors that CloudFormation is told the text of; others it is told of, and they are raised.

    Raises:
        AnswerError: it cannot be reached, or refuses.
    """
    failure: str | None = "it ended unexpectedly, its log says where"
    result: RoleResult = {"state": "left", "reason": "the role stays when its stack goes"}
    try:
        if request["RequestType"] != "Delete":
            result = ensure()
        failure = None
    except failures as error:
        failure = str(error)
        result = {"state": "failed", "reason": failure}
    finally:
        _answer(request, failure, result["state"])
    return result


def _answer(request: Mapping[str, Any], failure: str | None, state: str) -> None:
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
                # The address is signed for an empty content type.
                status = client.request(
                    "PUT", str(request["ResponseURL"]), headers={"Content-Type": ""}, body=content
                ).status
        except HttpError as error:
            problem = error.kind  # its text holds the signed address
        else:
            if 200 <= status < 300:
                return
            problem = f"status {status}"
    raise AnswerError(f"CloudFormation cannot be answered: {problem}")
