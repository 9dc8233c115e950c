"""EventBridge: events of AWS's services, put by the rehearsal, and elements of lists in input transformers.

On AWS only the services themselves may put such events. MiniStack's input transformer does not know the
array indices of a path such as `$.detail.eventDescription[0].latestDescription`.
"""

import json
import re
from functools import partial
from types import SimpleNamespace
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import eventbridge

FIELDS = {"id", "account", "source", "time", "region", "resources", "detail-type"}
INDEX = re.compile(r"\[(\d+)\]")


class Indexed(list[Any]):
    """A list whose elements are found by index as text, too."""

    def __getitem__(self, index: Any) -> Any:
        return super().__getitem__(int(index) if isinstance(index, str) else index)


def register() -> None:
    """Wrap how MiniStack refuses events of AWS, transforms an event for a target, and tests a pattern."""
    transform, test_pattern = eventbridge._apply_input_transformer, eventbridge._test_event_pattern

    def transform_indexed(transformer: dict[str, Any], rule: Any, view: Any) -> Any:
        paths = {name: INDEX.sub(r".\1", path) for name, path in transformer.get("InputPathsMap", {}).items()}
        indexed_view = SimpleNamespace(
            event_with_detail=lambda: indexed(view.event_with_detail()), envelope=view.envelope
        )
        return transform({**transformer, "InputPathsMap": paths}, rule, indexed_view)

    def test_whole_event(data: dict[str, Any]) -> Any:
        """Refuse an event without the fields that AWS asks for: EventBridge API reference, TestEventPattern."""
        missing = sorted(FIELDS - json.loads(data["Event"]).keys())
        if missing:
            message = f"Parameter Event is not valid. Reason: {', '.join(missing)} missing."
            return error_response_json("ValidationException", message, 400)
        return test_pattern(data)

    eventbridge._apply_input_transformer = transform_indexed
    eventbridge._test_event_pattern = test_whole_event
    eventbridge._put_events = partial(eventbridge._put_events, allow_aws_source=True)


def indexed(value: Any) -> Any:
    """The same value with every list of it `Indexed`."""
    if isinstance(value, dict):
        return {key: indexed(one) for key, one in value.items()}
    return Indexed(map(indexed, value)) if isinstance(value, list) else value
