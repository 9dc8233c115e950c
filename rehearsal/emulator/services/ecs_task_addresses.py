"""The private addresses of ECS tasks: those of their stand-ins."""

from collections.abc import Iterator
from typing import Any

from ministack.core.responses import get_region, new_uuid
from ministack.services import ecs

Task = dict[str, Any]

FIRST_WITHOUT_STAND_IN = 50  # last byte of the addresses of tasks without a stand-in


def register(addresses: dict[str, list[str]]) -> None:
    """Give running tasks addresses before they are described.

    Args:
        addresses: of the stand-ins, by region. A new task takes the first that no running task has: after a
            deployment has replaced all tasks, the new ones have the same addresses, and their stand-ins keep
            their threads. When no stand-in is left, it takes an address at which no server answers.
    """
    describe = ecs._describe_tasks

    def describe_attached(data: dict[str, Any]) -> Any:
        attach(ecs._tasks, addresses.get(get_region()) or addresses.get("", []))
        return describe(data)

    ecs._describe_tasks = describe_attached
    ecs._ACTION_MAP["DescribeTasks"] = describe_attached


def attach(tasks: dict[str, Task], stand_ins: list[str]) -> None:
    """Attach a network interface to each running task of network mode awsvpc that has none, oldest first."""
    running = [task for task in tasks.values() if task["lastStatus"] == "RUNNING" and task["_network_mode"] == "awsvpc"]
    taken = {address_of(task) for task in running}
    free = (one for one in candidates(stand_ins) if one not in taken)
    for task in running:
        if not task["attachments"] and stand_ins:
            interface = network_interface(next(free), task)
            task["attachments"] = [interface]
            for container in task["containers"]:
                container["networkInterfaces"] = [
                    {"attachmentId": interface["id"], "privateIpv4Address": address_of(task)}
                ]


def candidates(stand_ins: list[str]) -> Iterator[str]:
    """The stand-ins' addresses, then unused ones in the same block."""
    yield from stand_ins
    block = stand_ins[0].rpartition(".")[0] if stand_ins else ""
    for number in range(FIRST_WITHOUT_STAND_IN, 200):
        yield f"{block}.{number}"


def network_interface(address: str, task: Task) -> dict[str, Any]:
    """The attachment that DescribeTasks shows of a task's network interface."""
    details = {
        "subnetId": task["_subnet"] or "",
        "networkInterfaceId": f"eni-{new_uuid().replace('-', '')[:17]}",
        "privateDnsName": f"ip-{address.replace('.', '-')}.ec2.internal",
        "privateIPv4Address": address,
    }
    return {
        "id": new_uuid(),
        "type": "ElasticNetworkInterface",
        "status": "ATTACHED",
        "details": [{"name": name, "value": value} for name, value in details.items()],
    }


def address_of(task: Task) -> str:
    """A task's address; "" when it has none yet."""
    details = [detail for attachment in task["attachments"] for detail in attachment["details"]]
    return next((str(one["value"]) for one in details if one["name"] == "privateIPv4Address"), "")
