"""The migration's decisions, and its states."""

import json
from typing import Any

import pytest

from constructs.migration.states import migration_states
from ops_lambdas.migration.core import LOG_LINES, StoppedTask, failure, stopped_task
from ops_lambdas.migration.settings import Call
from ops_lambdas.shared.settings import InvalidSettingError, from_event

TASK = {
    "TaskArn": "arn:aws:ecs:us-east-1:123456789012:task/pardon-production-cluster/0123abcd",
    "StoppedReason": "Essential container in task exited",
    "Containers": [{"Name": "migration", "ExitCode": 1}],
}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            {"Error": "States.TaskFailed", "Cause": json.dumps(TASK)},
            StoppedTask("0123abcd", "Essential container in task exited; exit code 1"),
        ),
        (
            {
                "Error": "States.TaskFailed",
                "Cause": json.dumps({**TASK, "Containers": [{"Reason": "CannotPullImage"}]}),
            },
            StoppedTask("0123abcd", "Essential container in task exited; CannotPullImage"),
        ),
        ({"Error": "States.Timeout"}, StoppedTask("", "States.Timeout")),
        ({"Error": "NoSnapshot", "Cause": "RDS failed"}, StoppedTask("", "NoSnapshot: RDS failed")),
        ({"Error": "Rds.Quota", "Cause": "[1]"}, StoppedTask("", "Rds.Quota: [1]")),
        ({}, StoppedTask("", "an unknown error")),
    ],
)
def test_failed_task_is_read_from_the_states_error(error: dict[str, str], expected: StoppedTask) -> None:
    assert stopped_task(error) == expected


def test_failure_has_the_last_lines_and_fits_into_cloudformations_response() -> None:
    lines = [f"line {number} {'x' * 500}" for number in range(100)]
    text = failure(StoppedTask("a", "exit code 1"), lines)
    assert text.startswith("the migration failed: exit code 1. The last lines of its log:\nline 88 ")
    assert len(text.splitlines()) == LOG_LINES + 1
    assert len(json.dumps(text)) < 3000  # of 4096 bytes
    assert failure(StoppedTask("a", "r"), []).endswith("it logged nothing")
    assert failure(StoppedTask("", "r"), []).endswith("no task was started")


@pytest.mark.parametrize(
    ("event", "field"),
    [({"step": "migrate", "input": {}}, "step"), ({"step": "fail", "input": 1}, "input"), ({"input": {}}, "step")],
)
def test_calls_are_checked(event: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidSettingError, match=field):
        from_event(Call, event)


def states() -> dict[str, Any]:
    found: dict[str, Any] = migration_states(
        run_task={"Cluster": "c"},
        container="migration",
        function_arn="arn:function",
        database_role={"Type": "Task", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Succeed"}]},
        database="db",
        snapshot_prefix="db-before",
    )["States"]
    return found


def test_every_error_leads_to_an_answer() -> None:
    """CloudFormation waits for it."""
    found = states()
    for name, state in found.items():
        if state["Type"] == "Task" and name not in ("Succeed", "Fail"):
            caught = {one["Next"] for one in state["Catch"] if "States.ALL" in one["ErrorEquals"]}
            assert caught == ({"Succeed"} if name == "DatabaseRole" else {"Fail"}), name
    assert found["Fail"]["Next"] == "Failed"
    assert found["Failed"]["Type"] == "Fail"


def test_nothing_is_migrated_without_something_pending_nor_before_its_snapshot() -> None:
    found = states()
    assert found["Pending"]["Next"] == "DatabaseRole"
    (choice,) = found["HasTables"]["Choices"]
    assert (choice["NumericGreaterThan"], choice["Next"], found["HasTables"]["Default"]) == (0, "Snapshot", "Migrate")
    after = {one["StringEquals"]: one["Next"] for one in found["HasSnapshot"]["Choices"]}
    assert after == {"available": "Migrate", "creating": "WaitForSnapshot"}
    assert found["HasSnapshot"]["Default"] == "NoSnapshot"
    commands = [
        found[name]["Parameters"]["Overrides"]["ContainerOverrides"][0]["Command"] for name in ("Pending", "Migrate")
    ]
    assert [command[-1] for command in commands] == ["status", "deploy"]
