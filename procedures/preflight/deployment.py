"""What is going to be deployed, and what of it stands already."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from environment import Environment
from procedures.findings import Aws, State
from procedures.preflight.delegation import NameServers, name_servers

_GONE = ("DELETE_COMPLETE", "CREATE_FAILED")


class Deployment(Aws):
    """An environment's synthesized templates beside its stacks as they are in AWS.

    Args:
        assembly: folder of the cloud assembly.
        stacks: the stacks that are going to be deployed; all of them when empty.
        name_servers: what DNS answers.
    """

    def __init__(
        self,
        environment: Environment,
        assembly: Path,
        stacks: Sequence[str] = (),
        name_servers: NameServers = name_servers,
    ) -> None:
        super().__init__(environment)
        self.name_servers = name_servers
        manifest = json.loads((assembly / "manifest.json").read_text())
        found = [
            one["properties"] for one in manifest["artifacts"].values() if one["type"].endswith("cloudformation:stack")
        ]
        self.bootstrap_version = max(int(one["requiresBootstrapStackVersion"]) for one in found)
        self.bootstrap_parameter = str(found[0]["bootstrapStackVersionSsmParameter"])
        self.templates: dict[str, dict[str, Any]] = {
            name: json.loads((assembly / f"{name}.template.json").read_text()) for name in environment.names.stacks
        }
        self._stacks = stacks or environment.names.stacks

    def unless_later(self, layer: str) -> State:
        """How a fault weighs that only this layer's deployment meets: it fails when that is deployed now."""
        return State.FAILS if self.environment.names.stack(layer) in self._stacks else State.NOT_YET

    def stands(self, layer: str) -> bool:
        """Whether the stack has resources."""
        return bool(self.own[self.environment.names.stack(layer)])

    @cached_property
    def own(self) -> Mapping[str, Mapping[str, str]]:
        """By stack, the physical ids of the resources that it has, by logical id."""
        return {stack: self._resources(stack) for stack in self.environment.names.stacks}

    def _resources(self, stack: str) -> dict[str, str]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        try:
            return {
                one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
                for page in pages
                for one in page["StackResourceSummaries"]
                if one["ResourceStatus"] not in _GONE
            }
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return {}
            raise

    def resources(self, type_: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Stack, logical id and properties of each resource of a type in the templates."""
        return [
            (stack, logical_id, one.get("Properties", {}))
            for stack, template in self.templates.items()
            for logical_id, one in template["Resources"].items()
            if one["Type"] == type_
        ]
