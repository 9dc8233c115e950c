"""Settings of thread cleanup, and the options of its event."""

from dataclasses import dataclass
from typing import Annotated

from ops_lambdas.shared.settings import DatabaseSettings, Flag, Kind, PoolNames, TaskSettings

# The application opens a thread on Coral first and records it afterwards; in an incident, answers after
# tens of seconds are normal.
GRACE_SECONDS = 120
_MAX_GRACE_SECONDS = 300


def _grace(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= _MAX_GRACE_SECONDS):
        raise ValueError
    return int(value)


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, TaskSettings):
    """Settings of thread cleanup.

    Attributes:
        pools: those whose threads are cleaned, on each task.
        grace_seconds: a thread younger than this stays open, and one whose session ended more recently.
    """

    pools: PoolNames
    grace_seconds: Annotated[int, Kind(f"whole seconds, 1 to {_MAX_GRACE_SECONDS}", _grace)] = GRACE_SECONDS


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the event: list without closing, and close although most threads are unknown."""

    dry_run: Flag = False
    force: Flag = False
