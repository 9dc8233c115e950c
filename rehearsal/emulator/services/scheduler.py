"""EventBridge Scheduler: a schedule that is moved to now fires now."""

import threading
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import scheduler

SWEEP_SECONDS = 0.5


def register() -> None:
    """Look for due schedules often, and forget an updated schedule's last run.

    MiniStack runs an at() once, and counts runs from before the update; one that was read before an update and looked
    at after it would count as run.
    """
    update, look = scheduler._update_schedule, scheduler._tick_schedules
    one_at_a_time = threading.Lock()

    def update_and_forget(name: str, body: dict[str, Any]) -> Any:
        with one_at_a_time:
            response = update(name, body)
            key = f"{body.get('GroupName', 'default')}/{name}"
            scheduler._schedule_last_fired.pop((get_account_id(), get_region(), key), None)
            return response

    def look_alone() -> None:
        with one_at_a_time:
            look()

    scheduler._update_schedule = update_and_forget
    scheduler._tick_schedules = look_alone
    scheduler._SCHEDULE_TICK_INTERVAL = SWEEP_SECONDS
