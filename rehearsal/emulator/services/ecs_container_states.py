"""The containers of a service's tasks as DescribeTasks shows them, by what their programs would refuse.

MiniStack's tasks are records whose containers always run. Here each is looked at with its variables and its secrets as
they are now: an agent that would end at start runs, as its command tries again, and is unhealthy; the site stops.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Container.html
"""

from datetime import datetime, timedelta
from typing import Any

from ministack.services import ecs, s3

from rehearsal.emulator.services.ecs_one_off_tasks import secret_value
from rehearsal.stand_in.refusals import of_container

# A tag of the service: its tasks are shown as started so many minutes earlier, so that a rehearsal does not wait.
AGE_TAG = "rehearsal-minutes"


def register() -> None:
    """Have DescribeTasks show the state of each container of a service's tasks."""
    describe = ecs._describe_tasks

    def describe_with_states(data: dict[str, Any]) -> Any:
        for task in ecs._tasks.values():
            if str(task.get("group", "")).startswith("service:") and task["lastStatus"] == "RUNNING":
                show(task)
        return describe(data)

    ecs._describe_tasks = describe_with_states
    ecs._ACTION_MAP["DescribeTasks"] = describe_with_states


def show(task: dict[str, Any]) -> None:
    """Set the state of the task's containers, and when it started."""
    definitions = ecs._task_defs[task["taskDefinitionArn"].rpartition("/")[2]]["containerDefinitions"]
    shown = {container["name"]: container for container in task["containers"]}
    for definition in definitions:
        reason = refusal(definition)
        is_up = not reason or definition["name"].startswith("agent-")
        state = {"lastStatus": "RUNNING"} if is_up else {"lastStatus": "STOPPED", "exitCode": 1, "reason": reason}
        has_check = "healthCheck" in definition
        state["healthStatus"] = ("UNHEALTHY" if reason else "HEALTHY") if has_check else "UNKNOWN"
        container = shown[definition["name"]]
        for key in ("exitCode", "reason"):
            container.pop(key, None)
        container |= state
    task.setdefault("_started_at", task.get("startedAt"))
    task["startedAt"] = earlier(task["_started_at"], minutes(task))


def refusal(definition: dict[str, Any]) -> str:
    """Why the container would not come up."""
    variables = {one["name"]: one["value"] for one in definition.get("environment", ())}
    try:
        variables |= {one["name"]: secret_value(one["valueFrom"]) for one in definition.get("secrets", ())}
    except LookupError as error:
        return str(error)
    return of_container(definition["name"], variables, has_object)


def has_object(bucket: str, key: str) -> bool:
    return key in s3._buckets.get(bucket, {}).get("objects", {})


def minutes(task: dict[str, Any]) -> int:
    """How much earlier the tasks of its service are to have started."""
    name = task["group"].removeprefix("service:")
    for service in ecs._services.values():
        if service["serviceName"] == name:
            tags = ecs._tags.get(service["serviceArn"], [])
            return int(next((one["value"] for one in tags if one["key"] == AGE_TAG), 0))
    return 0


def earlier(started: Any, minutes_ago: int) -> Any:
    """The time, in MiniStack's own form, so many minutes earlier."""
    if isinstance(started, int | float):
        return started - 60 * minutes_ago
    moved = datetime.fromisoformat(str(started)) - timedelta(minutes=minutes_ago)
    return moved.isoformat().replace("+00:00", "Z")
