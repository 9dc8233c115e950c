"""The form of the resource handlers that MiniStack's CloudFormation calls.

Handlers run on the emulator's event loop: they call services in-process, never over HTTP. ValueError
fails the resource, as a refusal by AWS would.
"""

import json
import re
from collections.abc import Callable
from typing import Any

Properties = dict[str, Any]
Attributes = dict[str, str]
Handler = dict[str, Any]
Create = Callable[[str, Properties, str], tuple[str, Attributes]]  # logical id, properties, stack
Update = Callable[[str, Properties, Properties, str, str], tuple[str, Attributes]]  # id, old, new, stack, logical id
Delete = Callable[[str, Properties], None]  # id, properties


def leave(_physical_id: str, _props: Properties) -> None:
    """Delete nothing: the resource is part of another one, or only recorded."""


def resource(create: Create, delete: Delete = leave, update: Update | None = None) -> Handler:
    """A handler; without its own update, a change replaces the resource."""

    def replace(
        physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> tuple[str, Attributes]:
        created = create(logical_id, new, stack)
        delete(physical_id, old)
        return created

    return {"create": create, "update": update or replace, "update_with_logical_id": True, "delete": delete}


def put(create: Create, delete: Delete = leave) -> Handler:
    """A handler of a resource whose creation also changes it in place."""
    return resource(create, delete, lambda _id, _old, new, stack, logical_id: create(logical_id, new, stack))


def answer(response: tuple[int, Any, Any]) -> str:
    """The body of a service's response.

    Raises:
        ValueError: the service refused; the text is its answer.
    """
    status, _, body = response
    text = body.decode() if isinstance(body, bytes) else body if isinstance(body, str) else json.dumps(body)
    if status >= 400:
        raise ValueError(text)
    return text


def element(xml: str, name: str) -> str:
    """The text of the first element of that name."""
    match = re.search(rf"<{name}>([^<]+)</{name}>", xml)
    if match is None:
        raise ValueError(f"no {name} in {xml}")
    return match[1]
