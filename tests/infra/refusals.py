"""What CloudFormation would refuse, or leave stale, of an update from one deployment to another."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from tests.infra.conftest import Deployment


def refusals(old: Deployment, new: Deployment) -> list[str]:
    """Why the new templates cannot be deployed over the old ones, stack by stack in their order.

    - An export that a deployed later stack imports goes or changes.
    - What a later stack refers to weakly is replaced under the same logical id: its template does not change.
    - What the stack policy of -data keeps is replaced or removed.
    """
    found = [
        f"{name} is in use by {layer} and {'would change' if name in new.exports else 'would go'}"
        for layer, name in _imports(old)
        if new.exports.get(name) != old.exports[name]
    ]
    for layer in old.templates.keys() & new.templates.keys():
        replaced = set(_replaced(old, new, layer))
        used = _exported(old, layer) | _referred(old, layer)
        found += [f"{layer}/{one} would be replaced, and others refer to it" for one in sorted(replaced & used)]
        if layer == "data":
            gone = set(old.templates[layer]["Resources"]) - set(new.templates[layer]["Resources"])
            found += [f"{layer}/{one} is kept by the stack policy" for one in sorted((replaced | gone) & _kept(old))]
    return found


def _imports(deployment: Deployment) -> Iterator[tuple[str, str]]:
    for layer, template in deployment.templates.items():
        for name in sorted(set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(template)))):
            yield layer, name


def _exported(deployment: Deployment, layer: str) -> set[str]:
    outputs = deployment.templates[layer].get("Outputs", {}).values()
    return {_logical_id(output["Value"]) for output in outputs if "Export" in output}


def _referred(deployment: Deployment, layer: str) -> set[str]:
    outputs = deployment.templates[layer].get("Outputs", {})
    used = {
        name
        for template in deployment.templates.values()
        for name in re.findall(r'"OutputName": "([^"]+)"', json.dumps(template))
    }
    return {_logical_id(outputs[name]["Value"]) for name in used & outputs.keys()}


def _logical_id(value: dict[str, Any]) -> str:
    return str(value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0])


def _replaced(old: Deployment, new: Deployment, layer: str) -> Iterator[str]:
    """Logical ids of resources whose change CloudFormation's schemas call a replacement."""
    after = new.templates[layer]["Resources"]
    for id_, resource in old.templates[layer]["Resources"].items():
        if id_ in after and resource != after[id_]:
            before, later = resource.get("Properties", {}), after[id_].get("Properties", {})
            if any(before.get(name) != later.get(name) for name in _create_only(resource["Type"])):
                yield id_


@cache
def _create_only(type_: str) -> frozenset[str]:
    """Properties that cannot be changed in place, whole ones only."""
    if type_.startswith("Custom::"):
        return frozenset()
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
    paths = [path.removeprefix("/properties/") for path in schema.get("createOnlyProperties", ())]
    return frozenset(path for path in paths if "/" not in path)


def _kept(deployment: Deployment) -> set[str]:
    (variables,) = (
        one["Environment"]["Variables"]
        for one in deployment.properties("AWS::Lambda::Function")
        if one.get("FunctionName") == deployment.environment.names.check("protection")
    )
    return set(variables["KEPT_RESOURCES"].split(","))
