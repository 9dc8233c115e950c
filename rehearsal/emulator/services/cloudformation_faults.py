"""Creations that fail once, as they do on AWS for want of capacity, quota or permission."""

from pathlib import Path
from typing import Any

from ministack.services.cloudformation import stacks

FILE = "fail-once"  # in the emulator's folder: a line `STACK LOGICAL-ID` for each, where the id is a beginning


def register(folder: Path) -> None:
    """Fail the creation of each resource that the file names, and take its line out."""
    provision, file = stacks._provision_resource, folder / FILE

    def provision_or_fail(type_name: str, logical_id: str, props: dict[str, Any], stack: str) -> Any:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        for line in lines:
            if line.split()[0] == stack and logical_id.startswith(line.split()[1]):
                file.write_text("\n".join(one for one in lines if one != line), encoding="utf-8")
                raise ValueError(f"{type_name}: the rehearsal lets this creation fail")
        return provision(type_name, logical_id, props, stack)

    stacks._provision_resource = provision_or_fail
