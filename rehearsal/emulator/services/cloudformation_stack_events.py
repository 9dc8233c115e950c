"""CloudFormation's events in EventBridge: a stack's status has changed.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/eventbridge-events.html
"""

import json
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid, now_iso
from ministack.services import eventbridge
from ministack.services.cloudformation import changesets, handlers, stacks


def register() -> None:
    """Send an event for each status of a stack, when it is recorded."""
    add = stacks._add_event

    def add_and_send(
        stack_id: str, stack_name: str, logical_id: str, resource_type: str, status: str, *args: Any, **kw: Any
    ) -> None:
        add(stack_id, stack_name, logical_id, resource_type, status, *args, **kw)
        if resource_type == "AWS::CloudFormation::Stack" and logical_id == stack_name:
            send(stack_id, status)

    for module in (stacks, handlers, changesets):
        module._add_event = add_and_send


def send(stack_id: str, status: str) -> None:
    """Dispatch the event to the rules of the default event bus."""
    detail = {"stack-id": stack_id, "status-details": {"status": status, "status-reason": ""}}
    event = {
        "EventId": new_uuid(),
        "Source": "aws.cloudformation",
        "DetailType": "CloudFormation Stack Status Change",
        "Detail": json.dumps(detail),
        "EventBusName": "default",
        "Resources": [stack_id],
        "Time": now_iso(),
        "Account": get_account_id(),
        "Region": get_region(),
    }
    eventbridge._dispatch_event(event)
