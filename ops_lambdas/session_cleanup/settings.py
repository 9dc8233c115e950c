"""Settings of session cleanup, and the options of its event."""

from dataclasses import dataclass
from typing import Annotated

from ops_lambdas.shared.settings import DatabaseSettings, Flag, PoolNames, TaskSettings, between

# The application lets a session be idle for an hour.
IDLE_MINUTES = 60
# A character's answer can take minutes: below this, conversations under way would be ended.
MIN_IDLE_MINUTES = 10
# A session belongs to a week: nobody needs it after one.
MAX_IDLE_MINUTES = 7 * 24 * 60


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, TaskSettings):
    """Settings of session cleanup.

    Attributes:
        pools: whose threads each task is asked for, to see whether its Coral server has the threads API.
    """

    pools: PoolNames


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the event: count only, and another idle time."""

    dry_run: Flag = False
    older_than_minutes: Annotated[int, between(MIN_IDLE_MINUTES, MAX_IDLE_MINUTES, "minutes")] = IDLE_MINUTES
