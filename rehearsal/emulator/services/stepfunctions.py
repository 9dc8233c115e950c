"""Step Functions: a task that ends with an error fails its state, as AWS's optimized integration with ECS does.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html
"""

import json
from typing import Any

from ministack.services import stepfunctions


def register() -> None:
    """Raise States.TaskFailed, with the task as its cause, when a container of a task that was waited for fails.

    MiniStack returns such tasks as the state's result. It also polls once a second.
    """
    poll = stepfunctions._poll_ecs_tasks

    def poll_or_fail(cluster: str, task_arns: list[str]) -> Any:
        result = poll(cluster, task_arns)
        for task in result["tasks"]:
            if any(container.get("exitCode") != 0 for container in task["containers"]):
                raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(pascal(task)))
        return result

    stepfunctions._poll_ecs_tasks = poll_or_fail


def pascal(value: Any) -> Any:
    """ECS's answer in the spelling of Step Functions."""
    if isinstance(value, list):
        return [pascal(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name[:1].upper() + name[1:]: pascal(one) for name, one in value.items()}


def is_running_for(text: str) -> bool:
    """Whether an execution is running whose input has this text in it."""
    return any(
        execution["status"] == "RUNNING" and text in str(execution.get("input"))
        for execution in list(stepfunctions._executions.values())
    )
