"""ECS: task definitions, the cluster's capacity providers, and a new task for one that was stopped.

MiniStack's tasks are records without containers; that is enough for the runbook's commands.
"""

from typing import Any

from ministack.services import ecs
from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services.cloudformation_handler import Attributes, Handler, Properties, answer, put

# Of a container definition; MiniStack leaves their keys as CloudFormation spells them.
NESTED = ("secrets", "healthCheck", "dependsOn", "ulimits", "linuxParameters")


def register() -> None:
    """Answer nested settings of task definitions in the API's spelling, and replace a service's stopped tasks.

    MiniStack replaces them only where Docker runs them.
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

    provisioners._normalize_container_defs = normalize_nested
    ecs._ACTION_MAP["StopTask"] = stop_and_replace


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
