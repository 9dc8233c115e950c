"""Pool health's result and metrics."""

from collections.abc import Collection
from dataclasses import asdict
from typing import TypedDict

from ops_lambdas.pool_health.core import UNCONFIGURED, PoolHealth, State
from ops_lambdas.pool_health.site import Site
from ops_lambdas.shared.metrics import Metric, publish

_MAX_DISAGREEMENTS = 10  # that are named


class PoolResult(TypedDict):
    """One pool; the fields are core.PoolLoad's."""

    pool: str
    active_threads: int
    active_sessions: int
    sessions_in_use: int
    load_percent: float
    is_healthy: bool
    stuck_threads: int
    stuck_sessions: int
    oldest_open_session_minutes: int | None


class PoolsResult(TypedDict):
    """All pools; the fields are core.PoolHealth's."""

    pools: list[PoolResult]
    unlisted_pools: int
    total_pools: int
    total_active_threads: int
    total_active_sessions: int
    total_sessions_in_use: int
    total_stuck_sessions: int
    unhealthy_pools: int
    is_every_pool_unhealthy: bool
    looked_back_minutes: int | None


class SiteResult(TypedDict):
    """The answer of the site's own pool health.

    Attributes:
        state: "ok", or why its numbers are not known.
        agrees: with the database's numbers; null when one of the two is not known, or they are too far apart
            in time.
    """

    state: str
    status: int | None
    latency_milliseconds: float | None
    detail: str
    agrees: bool | None
    disagreements: list[str]


class NotMeasured(TypedDict):
    """The check's result when it did not count.

    Attributes:
        state: "tables_missing" before the application created its tables; "database_unavailable" when only the site
            answered; "already_running" when another run holds the lock, and this one did nothing.
        site: null when nothing was done.
    """

    state: State
    environment: str
    site: SiteResult | None


class Measured(NotMeasured, PoolsResult):
    """The check's result when it counted."""


PoolHealthResult = Measured | NotMeasured


def pools_result(health: PoolHealth) -> PoolsResult:
    """Return the pools' part of the result."""
    result: PoolsResult = asdict(health)  # type: ignore[assignment]
    return {**result, "pools": list(result["pools"])}


def site_result(site: Site, differences: list[str] | None) -> SiteResult:
    """Return the site's part of the result; `differences` as site.disagreements returns them."""
    return {
        "state": site.state,
        "status": site.status,
        "latency_milliseconds": site.latency_milliseconds,
        "detail": site.detail,
        "agrees": None if differences is None else not differences,
        "disagreements": (differences or [])[:_MAX_DISAGREEMENTS],
    }


def publish_pools(environment: str, health: PoolHealth, configured: Collection[str]) -> None:
    """Publish each configured pool's numbers, those of all others together, and what is no sum of them.

    The application writes the others' names, so each of them could cost as much as a metric that we know.
    """
    ours = [load for load in health.pools if load.pool in configured]
    for load in ours:
        publish(
            {"Environment": environment, "Pool": load.pool},
            Metric("ActiveThreads", load.active_threads),
            Metric("ActiveSessions", load.active_sessions),
        )
    if health.total_pools > len(ours):
        publish(
            {"Environment": environment, "Pool": UNCONFIGURED},
            Metric("ActiveThreads", health.total_active_threads - sum(load.active_threads for load in ours)),
            Metric("ActiveSessions", health.total_active_sessions - sum(load.active_sessions for load in ours)),
        )
    publish(
        {"Environment": environment},
        Metric("TotalSessionsInUse", health.total_sessions_in_use),
        Metric("TotalStuckSessions", health.total_stuck_sessions, is_rare=True),
        Metric("UnhealthyPools", health.unhealthy_pools),
        Metric("AllPoolsUnhealthy", health.is_every_pool_unhealthy),
    )


def publish_reachability(environment: str, *, is_database_readable: bool, site: Site, agrees: bool | None) -> None:
    """Publish whether database and site could be reached, 1 or 0 each; what is not known is left out."""
    metrics = [Metric("DatabaseReadable", is_database_readable), Metric("SiteOk", site.state == "ok")]
    if site.is_reachable is not None:
        metrics.append(Metric("SiteReachable", site.is_reachable))
    if agrees is not None:
        metrics.append(Metric("SiteAgrees", agrees))
    publish({"Environment": environment}, *metrics)
