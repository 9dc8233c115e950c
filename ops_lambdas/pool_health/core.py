"""How healthy the pools are, given what was counted in them. Values in, values out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypedDict

# A session is active when it has no end time and was active this recently; the application's cleanup
# ends those that are idle for longer.
ACTIVE_WITHIN_MINUTES = 60
SOFT_LIMIT_THREADS = 40  # the application puts new users elsewhere when a pool has this many
UNHEALTHY_FROM_PERCENT = 90  # of the soft limit: 36 threads
# A pool costs three custom metrics, $0.90 a month. Names in the table are the application's: what
# looks like hundreds of pools is a fault there, and must not become a bill here.
MAX_UNCONFIGURED_POOLS = 20


@dataclass(frozen=True)
class PoolCount:
    """What the database shows of one pool that has an active session."""

    pool: str
    active_threads: int
    active_sessions: int


@dataclass(frozen=True)
class PoolLoad:
    """How busy one pool is."""

    pool: str
    active_threads: int
    active_sessions: int
    load_percent: float  # of the pool's soft limit, 0..∞
    is_healthy: bool  # below 90 % of it


@dataclass(frozen=True)
class PoolHealth:
    """How busy all pools are.

    Attributes:
        pools: the configured ones in their order, then the busiest of the others.
        unlisted_pools: how many pools are in the totals but not in `pools`.
    """

    pools: tuple[PoolLoad, ...]
    unlisted_pools: int
    total_pools: int
    total_active_threads: int
    total_active_sessions: int
    unhealthy_pools: int


class PoolResult(TypedDict):
    """One pool, as the check's result tells it."""

    pool: str
    active_threads: int
    active_sessions: int
    load_percent: float
    is_healthy: bool


class Measured(TypedDict):
    """The check's result when it could count."""

    state: Literal["measured"]
    environment: str
    pools: list[PoolResult]
    unlisted_pools: int
    total_pools: int
    total_active_threads: int
    total_active_sessions: int
    unhealthy_pools: int


class TablesMissing(TypedDict):
    """The check's result before the application made its tables: nothing was counted."""

    state: Literal["tables_missing"]
    environment: str


PoolHealthResult = Measured | TablesMissing


def assess(counts: Iterable[PoolCount], configured: Iterable[str]) -> PoolHealth:
    """Judge every pool that is configured or was counted.

    Args:
        counts: one for each pool with an active session.
        configured: pools that exist even when nothing is open in them.
    """
    counted = {count.pool: count for count in counts}
    known = [_load(counted.pop(pool, PoolCount(pool, 0, 0))) for pool in configured]
    others = [_load(count) for count in counted.values()]
    others.sort(key=lambda load: (-load.active_threads, -load.active_sessions, load.pool))
    everything = [*known, *others]
    return PoolHealth(
        pools=(*known, *others[:MAX_UNCONFIGURED_POOLS]),
        unlisted_pools=max(len(others) - MAX_UNCONFIGURED_POOLS, 0),
        total_pools=len(everything),
        total_active_threads=sum(load.active_threads for load in everything),
        total_active_sessions=sum(load.active_sessions for load in everything),
        unhealthy_pools=sum(not load.is_healthy for load in everything),
    )


def measured(health: PoolHealth, environment: str) -> Measured:
    """Return the result that tells this health."""
    return {
        "state": "measured",
        "environment": environment,
        "pools": [
            {
                "pool": load.pool,
                "active_threads": load.active_threads,
                "active_sessions": load.active_sessions,
                "load_percent": load.load_percent,
                "is_healthy": load.is_healthy,
            }
            for load in health.pools
        ],
        "unlisted_pools": health.unlisted_pools,
        "total_pools": health.total_pools,
        "total_active_threads": health.total_active_threads,
        "total_active_sessions": health.total_active_sessions,
        "unhealthy_pools": health.unhealthy_pools,
    }


def _load(count: PoolCount) -> PoolLoad:
    load_percent = 100 * count.active_threads / SOFT_LIMIT_THREADS
    return PoolLoad(
        pool=count.pool,
        active_threads=count.active_threads,
        active_sessions=count.active_sessions,
        load_percent=load_percent,
        is_healthy=load_percent < UNHEALTHY_FROM_PERCENT,
    )
