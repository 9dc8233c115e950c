"""AWS calls of containers."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from ops_lambdas.containers.core import Container, Missing, RunningTask, Service
from ops_lambdas.containers.settings import Settings
from ops_lambdas.shared.tasks import described_service, described_tasks, task_id

_CONFIG = Config(connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 2})


def describe(config: Settings) -> Service:
    """Describe the service and its tasks; needs `ecs:DescribeServices`, `ecs:ListTasks`, `ecs:DescribeTasks`.

    Raises:
        TasksError: ECS could not be reached, refused, or does not know the service.
    """
    service = described_service(config.ecs_cluster, config.ecs_service)
    described, _ = described_tasks(config.ecs_cluster, config.ecs_service)
    return Service(
        desired=service.get("desiredCount", 0),
        deployments=len(service.get("deployments", ())),
        tasks=tuple(_task(one) for one in described if one.get("lastStatus") == "RUNNING" and "startedAt" in one),
    )


def tell(config: Settings, reason: str) -> None:
    """Put the alarm into ALARM with this reason, which its email has; needs `cloudwatch:SetAlarmState`.

    A composite alarm keeps the state until one of its alarms changes its own; the metric's alarm follows within a
    minute or two. When it is in ALARM already, it sends nothing again.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html

    Raises:
        BotoCoreError, ClientError: CloudWatch could not be reached, or refused.
    """
    boto3.client("cloudwatch", config=_CONFIG).set_alarm_state(
        AlarmName=config.alarm_name, StateValue="ALARM", StateReason=reason
    )


def log_command(config: Settings, one: Missing) -> str:
    """Return the command that shows the container's last log lines."""
    stream = f"{one.container}/{one.container}/{one.task}"
    return (
        f"aws logs get-log-events --log-group-name {config.log_group} --log-stream-name {stream} --limit 20"
        f" --query events[].message --output text --region {_region()}"
    )


@cache
def _region() -> str:
    """Return the function's region, once: a session reads botocore's configuration."""
    return str(boto3.session.Session().region_name)


def now() -> datetime:
    """The time of this look."""
    return datetime.now(UTC)


def _task(described: dict[str, Any]) -> RunningTask:
    containers = tuple(
        Container(
            name=one.get("name", "unknown"),
            status=one.get("lastStatus", "PENDING"),
            health=one.get("healthStatus", "UNKNOWN"),
            exit_code=one.get("exitCode"),
            reason=one.get("reason", ""),
        )
        for one in described.get("containers", ())
    )
    return RunningTask(task_id(described["taskArn"]), described["startedAt"], containers)
