"""The dashboard's body as CloudWatch gets it, from synthesized templates."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# By resource type, the property that Ref returns.
NAMES = {"AWS::RDS::DBInstance": "DBInstanceIdentifier"}


class Templates:
    """Templates of one environment that refer to one another.

    Args:
        folder: with `<stack>.template.json`.
        pseudo: values of pseudo parameters, such as AWS::Region.
    """

    def __init__(self, folder: Path, pseudo: Mapping[str, str]) -> None:
        self._templates = {
            path.name.removesuffix(".template.json"): json.loads(path.read_text())
            for path in sorted(folder.glob("*.template.json"))
        }
        self._pseudo = pseudo

    def dashboard(self) -> tuple[str, dict[str, Any]]:
        """Name and body of the one dashboard."""
        ((stack, properties),) = [
            (stack, resource["Properties"])
            for stack, template in self._templates.items()
            for resource in template["Resources"].values()
            if resource["Type"] == "AWS::CloudWatch::Dashboard"
        ]
        return properties["DashboardName"], json.loads(self.resolve(properties["DashboardBody"], stack))

    def resolve(self, value: Any, stack: str) -> str:
        """`value` of a template with all references in it; an attribute that only AWS knows is `<id>.<attribute>`."""
        if isinstance(value, str):
            return value
        ((function, argument),) = value.items()
        if function == "Fn::Join":
            separator, parts = argument
            return str(separator.join(self.resolve(part, stack) for part in parts))
        if function == "Fn::ImportValue":
            return self._exported(argument)
        if function == "Fn::GetStackOutput":
            producer = argument["StackName"]
            return self.resolve(self._templates[producer]["Outputs"][argument["OutputName"]]["Value"], producer)
        if function == "Fn::GetAtt":
            return ".".join(argument)
        if function == "Ref" and argument in self._pseudo:
            return self._pseudo[argument]
        if function == "Ref":
            resource = self._templates[stack]["Resources"][argument]
            named: str = resource["Properties"].get(NAMES.get(resource["Type"]), argument)
            return named
        raise NotImplementedError(f"{function} in {stack}, which a dashboard is not known to need")

    def _exported(self, name: str) -> str:
        stack = name.split(":")[0]
        for output in self._templates[stack]["Outputs"].values():
            if output.get("Export", {}).get("Name") == name:
                return self.resolve(output["Value"], stack)
        raise LookupError(f"no stack exports {name}")
