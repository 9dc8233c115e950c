"""Which task failed, and how the failure reads. Values in, values out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LOG_LINES = 12
_MAX_LINE = 160  # so that the last lines fit into CloudFormation's reason


@dataclass(frozen=True)
class StoppedTask:
    """A task that ended with an error.

    Attributes:
        id: of the task; "" when none was started.
        reason: ECS's, or the state machine's when there is no task.
    """

    id: str
    reason: str


def stopped_task(error: Mapping[str, Any]) -> StoppedTask:
    """Read the error output of a state: for a task that failed, its cause is the task as ECS describes it.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html
    """
    name, cause = str(error.get("Error", "an unknown error")), str(error.get("Cause", ""))
    try:
        task = json.loads(cause)
        arn, containers = str(task["TaskArn"]), task["Containers"]
    except (ValueError, TypeError, KeyError):
        return StoppedTask("", f"{name}: {cause}" if cause else name)
    codes = [str(one["ExitCode"]) for one in containers if one.get("ExitCode") is not None]
    reasons = [one["Reason"] for one in containers if one.get("Reason")]
    parts = [task.get("StoppedReason") or "", *reasons, f"exit code {', '.join(codes)}" if codes else ""]
    return StoppedTask(arn.rpartition("/")[2], "; ".join(part for part in parts if part))


def failure(task: StoppedTask, log_lines: Sequence[str]) -> str:
    """Return why the migration failed: ECS's reason, then the last lines of the task's log."""
    last = [line.strip()[:_MAX_LINE] for line in log_lines if line.strip()][-LOG_LINES:]
    log = "\n".join(last) or ("it logged nothing" if task.id else "no task was started")
    return f"the migration failed: {task.reason}. The last lines of its log:\n{log}"
