"""Time-lapse for schedules, so that a rehearsal of a minute sees a check run every five minutes."""

from ministack.services import eventbridge, scheduler

SWEEP_SECONDS = 0.5


def register(minute_seconds: float) -> None:
    """Let a minute of every rate() last so many seconds; cron() and at() keep to the clock."""
    parse = eventbridge._parse_rate_seconds

    def parse_shortened(expression: str) -> float | None:
        seconds = parse(expression)
        return None if seconds is None else seconds * minute_seconds / 60

    eventbridge._parse_rate_seconds = parse_shortened
    scheduler._SCHEDULE_TICK_INTERVAL = SWEEP_SECONDS
