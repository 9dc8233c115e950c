"""Custom resources: CloudFormation invokes their Lambda and waits for its response.

MiniStack waits an hour by default, as CloudFormation does. Here a function that has ended without a response
fails its resource at once, because no response can come any more, unless it has handed the request to a state machine.
"""

import threading
import time
from types import SimpleNamespace
from typing import Any

from ministack.services.cloudformation import custom_resource

from rehearsal.emulator.services import stepfunctions

ANSWER_SECONDS = 1  # from the function's end


def register() -> None:
    """Limit the wait for a response, and word failures as CloudFormation does."""
    register_token, invoke = custom_resource.register_token, custom_resource.invoke_custom_resource

    def register_briefly(token: str) -> SimpleNamespace:
        event = register_token(token)
        return SimpleNamespace(wait=lambda timeout: wait(event, token, timeout))

    def invoke_and_explain(*args: Any, **kwargs: Any) -> Any:
        try:
            return invoke(*args, **kwargs)
        except TimeoutError as error:
            raise TimeoutError(
                "CloudFormation did not receive a response from your custom resource: its function ended without one"
            ) from error
        except RuntimeError as error:
            raise RuntimeError(
                f"Received response status [FAILED] from custom resource. Message returned: {error}"
            ) from error

    custom_resource.register_token = register_briefly
    custom_resource.invoke_custom_resource = invoke_and_explain


def wait(event: threading.Event, token: str, timeout: float) -> bool:
    """Wait for the response while somebody can give it; return whether it came."""
    deadline = time.monotonic() + timeout
    while not event.wait(min(ANSWER_SECONDS, timeout)):
        if not stepfunctions.is_running_for(token) or time.monotonic() > deadline:
            return event.wait(ANSWER_SECONDS)
    return True
