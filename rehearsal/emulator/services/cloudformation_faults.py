"""Creations and deletions that fail once, as they do on AWS for want of capacity, quota or permission."""

from pathlib import Path
from typing import Any

from ministack.services.cloudformation import stacks

# In the emulator's folder: a line `STACK create|delete LOGICAL-ID` each, where the id is a beginning.
FILE = "fail-once"


def register(folder: Path) -> None:
    """Fail what the file names, and take its line out."""
    provision, delete, file = stacks._provision_resource, stacks._delete_resource, folder / FILE

    def fail_once(stack: str, operation: str, logical_id: str, type_name: str) -> None:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        for line in lines:
            in_stack, what, beginning = line.split()
            if (in_stack, what) == (stack, operation) and logical_id.startswith(beginning):
                file.write_text("\n".join(one for one in lines if one != line), encoding="utf-8")
                raise ValueError(f"{type_name}: the rehearsal lets this {operation} fail")

    def provision_or_fail(type_name: str, logical_id: str, props: dict[str, Any], stack: str) -> Any:
        fail_once(stack, "create", logical_id, type_name)
        return provision(type_name, logical_id, props, stack)

    def delete_or_fail(type_name: str, physical_id: str, props: dict[str, Any], stack: str, logical_id: str) -> Any:
        fail_once(stack, "delete", logical_id, type_name)
        return delete(type_name, physical_id, props, stack, logical_id)

    stacks._provision_resource = provision_or_fail
    stacks._delete_resource = delete_or_fail
