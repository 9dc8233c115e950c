"""EventBridge Scheduler: a schedule that is moved to now fires now."""

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import scheduler

SWEEP_SECONDS = 0.5


def register() -> None:
    """Look for due schedules often, and forget an updated schedule's last run.

    MiniStack runs an at() once, and counts runs from before the update.
    """
    update = scheduler._update_schedule

    def update_and_forget(name: str, body: dict[str, Any]) -> Any:
        response = update(name, body)
        key = f"{body.get('GroupName', 'default')}/{name}"
        scheduler._schedule_last_fired.pop((get_account_id(), get_region(), key), None)
        return response

    scheduler._update_schedule = update_and_forget
    scheduler._SCHEDULE_TICK_INTERVAL = SWEEP_SECONDS
