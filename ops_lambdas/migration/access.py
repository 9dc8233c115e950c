"""AWS and database calls of the migration's function."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from ops_lambdas.migration.core import LOG_LINES, StoppedTask
from ops_lambdas.migration.settings import Settings
from ops_lambdas.shared import database

_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


def start(settings: Settings, request: Mapping[str, Any]) -> None:
    """Start the state machine for a request of CloudFormation, once; needs `states:StartExecution`.

    Raises:
        BotoCoreError, ClientError: Step Functions cannot be reached, or refuses.
    """
    states = boto3.client("stepfunctions", config=_CONFIG)
    with suppress(states.exceptions.ExecutionAlreadyExists):  # Lambda delivers an event at least once
        states.start_execution(
            stateMachineArn=settings.state_machine_arn, name=request["RequestId"], input=json.dumps(request)
        )


def is_rolling_back(stack_id: str) -> bool:
    """Whether the stack goes back to what it was; needs `cloudformation:DescribeStacks` on it.

    Raises:
        BotoCoreError, ClientError: CloudFormation cannot be reached, or refuses.
    """
    stacks = boto3.client("cloudformation", config=_CONFIG).describe_stacks(StackName=stack_id)["Stacks"]
    return "ROLLBACK" in stacks[0]["StackStatus"]


def tables(settings: Settings) -> int:
    """Count the application's tables, Prisma's own included; needs the owner's secret.

    Raises:
        SecretError, DatabaseError: the database cannot be queried.
    """
    login = database.read_credentials(settings.database_secret_arn)
    with database.reading(login, application_name="migration") as reader:
        ((count,),) = reader.rows(_TABLES)
    return int(count)


def log_lines(settings: Settings, task: StoppedTask) -> list[str]:
    """Read the last lines of a task's log; none when it has no log. Needs `logs:GetLogEvents` on the log group.

    Raises:
        BotoCoreError, ClientError: CloudWatch Logs cannot be reached, or refuses.
    """
    if not task.id:
        return []
    logs = boto3.client("logs", config=_CONFIG)
    stream = f"{settings.container}/{settings.container}/{task.id}"
    try:
        events = logs.get_log_events(
            logGroupName=settings.task_log_group, logStreamName=stream, limit=LOG_LINES, startFromHead=False
        )["events"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return []
    return [event["message"] for event in events]
