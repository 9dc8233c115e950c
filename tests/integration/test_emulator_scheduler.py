"""The emulator's EventBridge Scheduler."""

import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from ministack.services import eventbridge, scheduler

from rehearsal.emulator.services import scheduler as ours
from tests.integration.emulator_process import Emulator, eventually
from tests.integration.emulator_templates import scheduled


def test_schedule_that_is_moved_to_now_runs_now(emulator: Emulator) -> None:
    ids = emulator.deploy("scheduled", scheduled())
    client, sqs = emulator.client("scheduler"), emulator.client("sqs")
    time.sleep(1)  # the scheduler has seen it as it was
    deployed = client.get_schedule(Name=ids["Schedule"])

    client.update_schedule(
        Name=ids["Schedule"],
        ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
        **{key: deployed[key] for key in ("Target", "FlexibleTimeWindow")},
    )

    assert eventually(lambda: sqs.receive_message(QueueUrl=ids["Queue"]).get("Messages"))


def test_schedule_that_is_moved_to_now_while_schedules_are_looked_at_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_update_schedule", "_tick_schedules", "_SCHEDULE_TICK_INTERVAL"):
        monkeypatch.setattr(scheduler, name, getattr(scheduler, name))  # undone afterwards
    ours.register()
    fired: list[Any] = []
    parse = eventbridge._parse_rate_seconds
    monkeypatch.setattr(eventbridge, "_invoke_target", lambda *of: fired.append(of))
    target = {"Arn": "arn:aws:sqs:us-east-1:000000000000:queue", "RoleArn": "arn:aws:iam::000000000000:role/role"}
    body = {"FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target, "ScheduleExpression": "rate(1 day)"}
    scheduler._create_schedule("moved", body)
    now = f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})"
    moving = threading.Thread(
        target=scheduler._update_schedule, args=("moved", {**body, "ScheduleExpression": now}), daemon=True
    )

    def move_meanwhile(expression: str) -> Any:
        if not moving.ident:
            moving.start()
            moving.join(timeout=0.2)
        return parse(expression)

    monkeypatch.setattr(eventbridge, "_parse_rate_seconds", move_meanwhile)
    try:
        scheduler._tick_schedules()
        moving.join()
        scheduler._tick_schedules()
        assert len(fired) == 1
    finally:
        scheduler._delete_schedule("moved", {})
