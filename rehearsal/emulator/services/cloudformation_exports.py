"""Exports in use: MiniStack lets an update drop or change them; here it fails and is rolled back, as on AWS.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

from collections.abc import Mapping
from typing import Any

from ministack.services.cloudformation import _exports, _stacks, handlers, stacks


def register() -> None:
    """Compare a stack's exports before and after an update, when its outputs are resolved."""
    resolve = stacks._resolve_stack_outputs

    def resolve_unused(definitions: Any, *context: Any) -> tuple[list[Any], dict[str, Any]]:
        outputs, exports = resolve(definitions, *context)
        stack_name = context[-2]
        for name, old in list(_exports.items()):
            if name in exports and old["StackId"] != exports[name]["StackId"]:
                raise ValueError(f"Export with name {name} is already exported by stack {_name(old)}")
            if _name(old) == stack_name:
                refuse_used(name, old, exports)
                if name not in exports:
                    _exports.pop(name)
        return outputs, exports

    stacks._resolve_stack_outputs = resolve_unused


def refuse_used(name: str, old: Mapping[str, str], exports: Mapping[str, Mapping[str, str]]) -> None:
    """Raise ValueError, in CloudFormation's words, when an export would go or change that another stack imports."""
    if name in exports and exports[name]["Value"] == old["Value"]:
        return
    change = "updated" if name in exports else "deleted"
    for other, stack in _stacks.items():
        is_live = stack["StackStatus"] != "DELETE_COMPLETE" and other != _name(old)
        if is_live and name in handlers._imported_export_names(stack, other):
            raise ValueError(f"Export {name} cannot be {change} as it is in use by {other}")


def _name(export: Mapping[str, str]) -> str:
    return export["StackId"].split("/")[1]
