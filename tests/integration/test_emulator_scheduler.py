"""The emulator's EventBridge Scheduler."""

import time
from datetime import UTC, datetime

from tests.integration.emulator_process import Emulator, eventually
from tests.integration.emulator_templates import scheduled


def test_schedule_that_is_moved_to_now_runs_now(emulator: Emulator) -> None:
    ids = emulator.deploy("scheduled", scheduled())
    scheduler, sqs = emulator.client("scheduler"), emulator.client("sqs")
    time.sleep(1)  # the scheduler has seen it as it was
    deployed = scheduler.get_schedule(Name=ids["Schedule"])

    scheduler.update_schedule(
        Name=ids["Schedule"],
        ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
        **{key: deployed[key] for key in ("Target", "FlexibleTimeWindow")},
    )

    assert eventually(lambda: sqs.receive_message(QueueUrl=ids["Queue"]).get("Messages"))
