"""ECS: task definitions, the cluster's capacity providers, and a new task for one that was stopped.

MiniStack's tasks are records without containers; that is enough for the runbook's commands.
"""

from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ecs
from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services.cloudformation_handler import Attributes, Handler, Properties, answer, put

# Of a container definition; MiniStack leaves their keys as CloudFormation spells them.
NESTED = ("secrets", "healthCheck", "dependsOn", "ulimits", "linuxParameters")


def register() -> None:
    """Answer nested settings of task definitions in the API's spelling, and replace a service's stopped tasks.

    MiniStack replaces them only where Docker runs them. As on ECS, a service takes associated capacity providers only,
    and keeps them associated.
    """
    normalize = provisioners._normalize_container_defs

    def normalize_nested(definitions: list[Properties]) -> list[Properties]:
        return [
            {key: provisioners._pascal_to_camel(value) if key in NESTED else value for key, value in one.items()}
            for one in normalize(definitions)
        ]

    stop = ecs._ACTION_MAP["StopTask"]

    def stop_and_replace(data: dict[str, Any]) -> Any:
        response = stop(data)
        cluster = data.get("cluster", "default").rpartition("/")[2]
        task = ecs._resolve_task(data.get("task", ""), cluster)
        if task and task["group"].startswith("service:"):
            ecs._reconcile_service_tasks(cluster, f"{cluster}/{task['group'].partition(':')[2]}")
        return response

    create_service = ecs._create_service

    def create_with_associated(data: dict[str, Any]) -> Any:
        associated = ecs._clusters.get(data.get("cluster", "default").rpartition("/")[2], {}).get("capacityProviders")
        missing = providers(data) - set(associated or ())
        if missing:
            text = f"The specified capacity provider strategy contains {', '.join(sorted(missing))}, which the cluster"
            return error_response_json("InvalidParameterException", f"{text} is not associated with.", 400)
        return create_service(data)

    put_providers = ecs._put_cluster_capacity_providers

    def put_unless_used(data: dict[str, Any]) -> Any:
        """Source: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html."""
        cluster = data.get("cluster", "default").rpartition("/")[2]
        used = [
            one for key, one in ecs._services.items() if key.startswith(f"{cluster}/") and one["status"] == "ACTIVE"
        ]
        if set().union(*map(providers, used)) - set(data.get("capacityProviders", [])):
            text = "The specified capacity provider is in use and cannot be removed."
            return error_response_json("ResourceInUseException", text, 400)
        return put_providers(data)

    provisioners._normalize_container_defs = normalize_nested
    ecs._ACTION_MAP["StopTask"] = stop_and_replace
    for name, function in (("CreateService", create_with_associated), ("PutClusterCapacityProviders", put_unless_used)):
        ecs._ACTION_MAP[name] = function
    ecs._create_service, ecs._put_cluster_capacity_providers = create_with_associated, put_unless_used


def providers(data: dict[str, Any]) -> set[str]:
    """The capacity providers of a service, or of the request for one."""
    return {one["capacityProvider"] for one in data.get("capacityProviderStrategy") or ()}


def put_capacity_providers(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    data: dict[str, Any] = provisioners._pascal_to_camel(props)
    answer(ecs._put_cluster_capacity_providers(data))
    return str(props["Cluster"]), {}


def delete_capacity_providers(physical_id: str, _props: Properties) -> None:
    if physical_id in ecs._clusters:
        answer(ecs._put_cluster_capacity_providers({"cluster": physical_id}))


HANDLERS: dict[str, Handler] = {
    "AWS::ECS::ClusterCapacityProviderAssociations": put(put_capacity_providers, delete_capacity_providers),
}
