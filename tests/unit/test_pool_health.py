"""Pool health's decisions, at their bounds and for any counts."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lambdas.pool_health.core import (
    INACTIVE_LIMIT,
    MAX_UNCONFIGURED_POOLS,
    Counts,
    PoolCount,
    PoolHealth,
    counts,
)
from ops_lambdas.pool_health.core import assess as assess_counts
from ops_lambdas.pool_health.report import pools_result, publish_pools, publish_reachability
from ops_lambdas.pool_health.site import Site

POOL_NAMES = st.text("abcé: ", max_size=3)
NUMBERS = st.integers(0, 2**40)
COUNTS = st.builds(
    PoolCount,
    pool=POOL_NAMES,
    active_threads=NUMBERS,
    active_sessions=NUMBERS,
    sessions_in_use=NUMBERS,
    stuck_threads=NUMBERS,
    stuck_sessions=NUMBERS,
    oldest_open_session_minutes=NUMBERS,
)
ONE_COUNT_A_POOL = st.lists(COUNTS, max_size=60, unique_by=lambda count: count.pool)


# In AWS: when it runs in production.
SCHEDULES = {"pool-health": "rate(5 minutes)"}


def publish_every_metric(environment: str) -> None:
    """Publish every metric of the check, for the tests of alarms and dashboard."""
    publish_pools(environment, assess([PoolCount("pool-0", 1, 1, oldest_open_session_minutes=1)], []), ["pool-0"])
    site = Site(state="ok", latency_milliseconds=1.0)
    publish_reachability(environment, is_database_readable=True, site=site, agrees=True)


def assess(pools: list[PoolCount], configured: list[str]) -> PoolHealth:
    return assess_counts(Counts(tuple(pools)), configured)


@pytest.mark.parametrize(
    ("threads", "load_percent", "is_healthy"),
    [
        (0, 0.0, True),
        (1, 2.5, True),
        (35, 87.5, True),
        (36, 90.0, False),
        (37, 92.5, False),
        (40, 100.0, False),
        (41, 102.5, False),
        (1_000_000, 2_500_000.0, False),
    ],
)
def test_a_pool_is_healthy_below_90_percent_of_40_threads(threads: int, load_percent: float, is_healthy: bool) -> None:
    health = assess([PoolCount("pool-0", threads, 3)], ["pool-0"])
    (load,) = health.pools
    assert (load.load_percent, load.is_healthy) == (load_percent, is_healthy)
    assert health.unhealthy_pools == (not is_healthy)


def test_sessions_without_threads_load_nothing() -> None:
    (load,) = assess([PoolCount("pool-0", 0, 500)], ["pool-0"]).pools
    assert (load.active_sessions, load.load_percent, load.is_healthy) == (500, 0.0, True)


def test_a_configured_pool_with_nothing_open_is_there_with_zeros() -> None:
    health = assess([], ["pool-0", "pool-1"])
    assert [(load.pool, load.active_threads, load.active_sessions) for load in health.pools] == [
        ("pool-0", 0, 0),
        ("pool-1", 0, 0),
    ]
    assert (health.total_pools, health.unhealthy_pools, health.total_active_threads) == (2, 0, 0)


def test_pools_that_only_the_table_shows_follow_the_configured_ones_busiest_first() -> None:
    counts = [PoolCount("old", 2, 1), PoolCount("production-main", 39, 9), PoolCount("pool-1", 1, 1)]
    health = assess(counts, ["pool-0", "pool-1"])
    assert [load.pool for load in health.pools] == ["pool-0", "pool-1", "production-main", "old"]
    assert (health.total_pools, health.unhealthy_pools) == (4, 1)


def test_too_many_unknown_pools_are_counted_but_not_listed() -> None:
    counts = [PoolCount(f"unknown-{number:03}", number, 1) for number in range(MAX_UNCONFIGURED_POOLS + 30)]
    health = assess(counts, ["pool-0"])
    assert len(health.pools) == 1 + MAX_UNCONFIGURED_POOLS
    assert health.pools[1].pool == "unknown-049"
    assert (health.unlisted_pools, health.total_pools) == (30, 51)
    assert health.total_active_threads == sum(range(50))
    assert health.unhealthy_pools == 14


@settings(deadline=None)
@given(counted=ONE_COUNT_A_POOL, configured=st.lists(POOL_NAMES, max_size=8, unique=True))
def test_nothing_that_was_counted_is_lost(counted: list[PoolCount], configured: list[str]) -> None:
    health = assess(counted, configured)
    assert health.total_active_threads == sum(count.active_threads for count in counted)
    assert health.total_active_sessions == sum(count.active_sessions for count in counted)
    assert health.total_pools == len({*configured, *(count.pool for count in counted)})
    assert health.total_pools == len(health.pools) + health.unlisted_pools
    assert [load.pool for load in health.pools[: len(configured)]] == configured
    assert len({load.pool for load in health.pools}) == len(health.pools) <= len(configured) + MAX_UNCONFIGURED_POOLS
    listed_unhealthy = sum(not load.is_healthy for load in health.pools)
    assert listed_unhealthy <= health.unhealthy_pools <= listed_unhealthy + health.unlisted_pools
    assert all(load.is_healthy == (load.active_threads < 36) for load in health.pools)


@settings(deadline=None)
@given(counted=ONE_COUNT_A_POOL)
def test_the_result_is_json_with_what_was_assessed(counted: list[PoolCount]) -> None:
    health = assess(counted, ["pool-0"])
    result = json.loads(json.dumps(pools_result(health), allow_nan=False))
    assert [pool["pool"] for pool in result["pools"]] == [load.pool for load in health.pools]
    assert result["total_active_threads"] == health.total_active_threads
    assert result["is_every_pool_unhealthy"] == (health.unhealthy_pools == health.total_pools)


def test_all_pools_are_unhealthy_only_when_there_are_some() -> None:
    assert assess([PoolCount("pool-0", 36, 1)], ["pool-0"]).is_every_pool_unhealthy
    assert not assess([PoolCount("pool-0", 36, 1)], ["pool-0", "pool-1"]).is_every_pool_unhealthy
    assert not assess([], []).is_every_pool_unhealthy


def test_rows_show_what_is_open_and_how_far_back_they_look() -> None:
    rows = [["pool-0", 3, 2, 3, 5, 4, 600, INACTIVE_LIMIT, 900], ["pool-1", 1, 1, 1, 0, 0, -2, INACTIVE_LIMIT, 900]]
    assert counts(rows) == Counts(
        (PoolCount("pool-0", 3, 2, 3, 5, 4, 600), PoolCount("pool-1", 1, 1, 1, 0, 0, 0)), looked_back_minutes=900
    )


@pytest.mark.parametrize(("read", "back"), [(0, None), (INACTIVE_LIMIT - 1, 900)])
def test_fewer_inactive_sessions_than_the_limit_are_all_there_are(read: int, back: int | None) -> None:
    assert counts([[None, None, None, None, None, None, None, read, back]]) == Counts((), looked_back_minutes=None)
