"""The states of a dump, and of its restore, in Amazon States Language."""

from collections.abc import Mapping
from typing import Any

from constructs.common.one_off_task import State, task_state
from constructs.dump.transfer_task import AWS_CLI, PREFIX

# The time without its colons, so that a shell needs no quotes and the keys' order is the time's.
_STARTED = "States.StringSplit($$.Execution.StartTime, ':')"
_PARTS = ", ".join(f"States.ArrayGetItem({_STARTED}, {place})" for place in range(3))


def dump_states(*, run_task: Mapping[str, Any], bucket: str) -> State:
    """Dump, and look whether the dump and its row counts are in the bucket. The output has the dump's `key`.

    Args:
        run_task: parameters of ECS's RunTask but what is overridden.
        bucket: its name.
    """
    return {
        "Comment": "Dumps the database into the bucket",
        "StartAt": "Key",
        "States": {
            "Key": {
                "Type": "Pass",
                "Parameters": {"key.$": f"States.Format('{PREFIX}/{{}}{{}}{{}}', {_PARTS})"},
                "Next": "Dump",
            },
            "Dump": {**_task(run_task), "Next": "List"},
            "List": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
                "Parameters": {"Bucket": bucket, "Prefix.$": "States.Format('{}/', $.key)"},
                "ResultSelector": {"objects.$": "States.ArrayLength($.Contents)"},
                "ResultPath": "$.found",
                "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 3, "BackoffRate": 2}],
                "Next": "IsComplete",
            },
            "IsComplete": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.found.objects", "NumericEquals": 2, "Next": "Dumped"}],
                "Default": "Incomplete",
            },
            "Dumped": {"Type": "Succeed"},
            "Incomplete": {
                "Type": "Fail",
                "Error": "Incomplete",
                "Cause": "the task has ended, and not both the dump and its row counts are in the bucket",
            },
        },
    }


def restore_states(*, run_task: Mapping[str, Any], database_role: State) -> State:
    """Restore the dump of the input's `key`, then give the checks access to the tables.

    Args:
        run_task: parameters of ECS's RunTask but what is overridden.
        database_role: the state that gives access; the next is "Restored".
    """
    return {
        "Comment": "Restores a dump into the empty database",
        "StartAt": "Restore",
        "States": {
            "Restore": {**_task(run_task), "Next": "DatabaseRole"},
            "DatabaseRole": database_role,
            "Restored": {"Type": "Succeed"},
        },
    }


def _task(run_task: Mapping[str, Any]) -> State:
    return task_state(run_task, AWS_CLI, Environment=[{"Name": "KEY", "Value.$": "$.key"}])
