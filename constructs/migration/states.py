"""The states of a migration, in Amazon States Language."""

from collections.abc import Mapping
from typing import Any

from constructs.common.one_off_task import State, task_state

_SNAPSHOT_POLL_SECONDS = 15
_STATUS, _DEPLOY = ["npx", "prisma", "migrate", "status"], ["npx", "prisma", "migrate", "deploy"]


def migration_states(
    *,
    run_task: Mapping[str, Any],
    container: str,
    function_arn: str,
    database_role: State,
    database: str,
    snapshot_prefix: str,
) -> State:
    """Migrate when there is something pending, after a snapshot when there is something to lose.

    `prisma migrate status` ends with code 1 when a migration is pending or has failed, or the database cannot be
    reached: the next states find out which.
    https://www.prisma.io/docs/orm/reference/prisma-cli-reference#migrate-status

    Args:
        run_task: parameters of ECS's RunTask but the command.
        function_arn: of the migration's function.
        database_role: gives the checks access to new tables.
        snapshot_prefix: of the snapshot's name, which ends with the execution's.
    """
    return {
        "Comment": "Runs the application's pending migrations",
        "StartAt": "Pending",
        "States": {
            "Pending": {
                **task_state(run_task, container, Command=_STATUS),
                "Catch": [
                    {"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.pending", "Next": "Tables"},
                    _caught(),
                ],
                "Next": "DatabaseRole",
            },
            "Tables": {**_step(function_arn, "tables"), "ResultPath": "$.tables", "Next": "HasTables"},
            "HasTables": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.tables.tables", "NumericGreaterThan": 0, "Next": "Snapshot"}],
                "Default": "Migrate",
            },
            **_snapshot(database, snapshot_prefix),
            "Migrate": {
                **task_state(run_task, container, Command=_DEPLOY),
                "Catch": [_caught()],
                "Next": "DatabaseRole",
            },
            "DatabaseRole": database_role,
            "Succeed": {**_step(function_arn, "succeed"), "End": True},
            "Fail": {
                **_step(function_arn, "fail"),
                "ResultSelector": {"reason.$": "$.Payload.reason"},
                "Next": "Failed",
            },
            "Failed": {"Type": "Fail", "Error": "MigrationFailed", "CausePath": "$.reason"},
        },
    }


def _snapshot(database: str, prefix: str) -> dict[str, State]:
    name = f"States.Format('{prefix}-{{}}', $$.Execution.Name)"
    wait = {"Type": "Wait", "Seconds": _SNAPSHOT_POLL_SECONDS, "Next": "DescribeSnapshot"}
    return {
        "Snapshot": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:rds:createDBSnapshot",
            "Parameters": {"DbInstanceIdentifier": database, "DbSnapshotIdentifier.$": name},
            "ResultSelector": {"id.$": "$.DbSnapshot.DbSnapshotIdentifier"},
            "ResultPath": "$.snapshot",
            # The instance is being backed up or modified.
            "Retry": [
                {
                    "ErrorEquals": ["Rds.InvalidDbInstanceStateException"],
                    "IntervalSeconds": 30,
                    "MaxAttempts": 20,
                    "BackoffRate": 1,
                }
            ],
            "Catch": [_caught()],
            "Next": "WaitForSnapshot",
        },
        "WaitForSnapshot": wait,
        "DescribeSnapshot": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:rds:describeDBSnapshots",
            "Parameters": {"DbSnapshotIdentifier.$": "$.snapshot.id"},
            "ResultSelector": {"status.$": "$.DbSnapshots[0].Status", "id.$": "$.DbSnapshots[0].DbSnapshotIdentifier"},
            "ResultPath": "$.snapshot",
            "Catch": [_caught()],
            "Next": "HasSnapshot",
        },
        "HasSnapshot": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.snapshot.status", "StringEquals": "available", "Next": "Migrate"},
                {"Variable": "$.snapshot.status", "StringEquals": "creating", "Next": "WaitForSnapshot"},
            ],
            "Default": "NoSnapshot",
        },
        "NoSnapshot": {
            "Type": "Pass",
            "Result": {"Error": "NoSnapshot", "Cause": "RDS could not make the snapshot"},
            "ResultPath": "$.error",
            "Next": "Fail",
        },
    }


def _step(function_arn: str, step: str) -> State:
    payload: State = {"step": step, "input.$": "$$.Execution.Input"}
    if step == "fail":
        payload["error.$"] = "$.error"
    called: State = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function_arn, "Payload": payload},
        "ResultSelector": {"tables.$": "$.Payload.tables"} if step == "tables" else None,
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 3, "BackoffRate": 2}],
    }
    if step == "tables":
        called["Catch"] = [_caught()]
    return {name: value for name, value in called.items() if value is not None}


def _caught() -> State:
    return {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Fail"}
