"""Stack policies: MiniStack keeps them; here an update that they deny fails and is rolled back, as on AWS.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
"""

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from ministack.services.cloudformation import _stacks, changesets, handlers, provisioners, stacks


def register() -> None:
    """Ask the policy before a resource is changed, replaced or removed."""
    update, deploy = stacks._update_resource, stacks._deploy_stack_async

    def update_allowed(
        type_name: str,
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack_name: str,
        logical_id: str,
        *more: Any,
    ) -> Any:
        if old != new:
            is_replaced = provisioners._replacing_change(type_name, old, new)
            reason = refusal(stack_name, logical_id, "Update:Replace" if is_replaced else "Update:Modify")
            if reason:
                raise ValueError(reason)
        return update(type_name, physical_id, old, new, stack_name, logical_id, *more)

    async def deploy_allowed(stack_name: str, stack_id: str, template: Any, values: Any, *args: Any, **kw: Any) -> None:
        previous = kw.get("previous_stack") if kw.get("is_update") else None
        removed = sorted(set((previous or {}).get("_resources", {})) - set(template.get("Resources", {})))
        denied = {one: reason for one in removed if (reason := refusal(stack_name, one, "Update:Delete"))}
        if not denied:
            await deploy(stack_name, stack_id, template, values, *args, **kw)
            return
        for logical_id, reason in denied.items():
            type_name = previous["_resources"][logical_id]["ResourceType"]  # type: ignore[index]
            stacks._add_event(stack_id, stack_name, logical_id, type_name, "UPDATE_FAILED", reason)
        failed = stacks._failed_operation(
            True, previous, [], None, next(iter(denied)), [], False, template, values, False, [], []
        )
        await stacks._roll_back_operation(stack_name, stack_id, _stacks[stack_name], failed)

    stacks._update_resource = update_allowed
    for module in (stacks, handlers, changesets):
        module._deploy_stack_async = deploy_allowed


def refusal(stack_name: str, logical_id: str, action: str) -> str | None:
    """Why the stack's policy does not allow the action on the resource, in CloudFormation's words; None if it does."""
    body = _stacks.get(stack_name, {}).get("_stack_policy")
    if not body:
        return None
    resource = f"LogicalResourceId/{logical_id}"
    effects = {"Allow": 0, "Deny": 0}
    for number, statement in enumerate(json.loads(body)["Statement"], start=1):
        if matches(statement["Action"], action) and matches(statement["Resource"], resource):
            effects[statement["Effect"]] = effects[statement["Effect"]] or number
    if effects["Allow"] and not effects["Deny"]:
        return None
    number = effects["Deny"] or 1
    return f"Action denied by stack policy: Statement [#{number}] does not allow [{action}] for resource [{resource}]"


def matches(patterns: str | Iterable[str], value: str) -> bool:
    """Whether one of the patterns, with * for any text, matches."""
    return any(fnmatchcase(value, one) for one in ([patterns] if isinstance(patterns, str) else patterns))
