"""The pools' health, from the counts of the database. Values in, values out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

# A session is active when it has no end time and was active this recently; the application's cleanup
# ends those that are idle for longer.
ACTIVE_WITHIN_MINUTES = 60
# Open and inactive for this long is stuck: the cleanup, every 15 minutes, has missed it at least three times.
STUCK_AFTER_MINUTES = 120
# How many inactive sessions are read, ended ones included, in search of open ones. A user has one
# session a week, so this is some weeks of the site at 100 users at once; and it costs some milliseconds.
INACTIVE_LIMIT = 5000
SOFT_LIMIT_THREADS = 40  # the application puts new users elsewhere when a pool has this many
UNHEALTHY_FROM_PERCENT = 90  # of the soft limit: 36 threads
# That are named. The application writes the names in the table: hundreds of pools would be a fault there.
MAX_UNCONFIGURED_POOLS = 20
UNCONFIGURED = "(unconfigured)"  # all of them in metrics; no pool has this name

State = Literal["measured", "tables_missing", "database_unavailable", "already_running"]


@dataclass(frozen=True)
class PoolCount:
    """What the database shows of one pool that has an open session."""

    pool: str
    active_threads: int
    active_sessions: int
    sessions_in_use: int = 0
    stuck_threads: int = 0
    stuck_sessions: int = 0
    oldest_open_session_minutes: int | None = None


@dataclass(frozen=True)
class Counts:
    """What the database shows of all pools.

    Attributes:
        looked_back_minutes: stuck and oldest sessions were searched among those inactive for less than this;
            None: among all.
    """

    pools: tuple[PoolCount, ...]
    looked_back_minutes: int | None = None


@dataclass(frozen=True)
class PoolLoad:
    """How busy one pool is, and how old.

    Attributes:
        load_percent: of the pool's soft limit, 0..∞.
        is_healthy: below 90 % of it.
        active_threads, active_sessions: as the site counts them, open and active by `lastActivityAt`.
        sessions_in_use: also by their threads and messages, and also after their end.
        stuck_sessions, stuck_threads: open, without any activity for two hours.
        oldest_open_session_minutes: since it began; None when no session is open.
    """

    pool: str
    active_threads: int
    active_sessions: int
    sessions_in_use: int
    load_percent: float
    is_healthy: bool
    stuck_threads: int
    stuck_sessions: int
    oldest_open_session_minutes: int | None


@dataclass(frozen=True)
class PoolHealth:
    """How busy all pools are.

    Attributes:
        pools: the configured ones in their order, then the busiest of the others.
        unlisted_pools: how many pools are in the totals but not in `pools`.
        looked_back_minutes: as in Counts.
    """

    pools: tuple[PoolLoad, ...]
    unlisted_pools: int
    total_pools: int
    total_active_threads: int
    total_active_sessions: int
    total_sessions_in_use: int
    total_stuck_sessions: int
    unhealthy_pools: int
    is_every_pool_unhealthy: bool
    looked_back_minutes: int | None


def counts(rows: Sequence[Sequence[Any]]) -> Counts:
    """Return the counts in the query's rows."""
    *_, inactive_read, back_minutes = rows[0]
    pools = []
    for pool, active_threads, active, in_use, stuck_threads, stuck, minutes, *_ in rows:
        if pool is not None:
            # The application's clock may be ahead of the database's.
            age = None if minutes is None else max(minutes, 0)
            pools.append(PoolCount(pool, active_threads, active, in_use, stuck_threads, stuck, age))
    return Counts(tuple(pools), looked_back_minutes=back_minutes if inactive_read >= INACTIVE_LIMIT else None)


def assess(counted: Counts, configured: Iterable[str]) -> PoolHealth:
    """Judge every pool that is configured or was counted.

    Args:
        configured: pools that exist even when nothing is open in them.
    """
    by_name = {count.pool: count for count in counted.pools}
    known = [_load(by_name.pop(pool, PoolCount(pool, 0, 0))) for pool in configured]
    others = [_load(count) for count in by_name.values()]
    others.sort(key=lambda load: (-load.active_threads, -load.active_sessions, load.pool))
    everything = [*known, *others]
    unhealthy_pools = sum(not load.is_healthy for load in everything)
    return PoolHealth(
        pools=(*known, *others[:MAX_UNCONFIGURED_POOLS]),
        unlisted_pools=max(len(others) - MAX_UNCONFIGURED_POOLS, 0),
        total_pools=len(everything),
        total_active_threads=sum(load.active_threads for load in everything),
        total_active_sessions=sum(load.active_sessions for load in everything),
        total_sessions_in_use=sum(load.sessions_in_use for load in everything),
        total_stuck_sessions=sum(load.stuck_sessions for load in everything),
        unhealthy_pools=unhealthy_pools,
        is_every_pool_unhealthy=0 < unhealthy_pools == len(everything),
        looked_back_minutes=counted.looked_back_minutes,
    )


def _load(count: PoolCount) -> PoolLoad:
    load_percent = 100 * count.active_threads / SOFT_LIMIT_THREADS
    return PoolLoad(
        pool=count.pool,
        active_threads=count.active_threads,
        active_sessions=count.active_sessions,
        sessions_in_use=count.sessions_in_use,
        load_percent=load_percent,
        is_healthy=load_percent < UNHEALTHY_FROM_PERCENT,
        stuck_threads=count.stuck_threads,
        stuck_sessions=count.stuck_sessions,
        oldest_open_session_minutes=count.oldest_open_session_minutes,
    )
