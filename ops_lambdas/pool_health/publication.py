"""Pool health's metrics."""

from ops_lambdas.pool_health.core import PoolHealth
from ops_lambdas.pool_health.site import Site
from ops_lambdas.shared.metrics import Metric, publish


def publish_pools(environment: str, health: PoolHealth) -> None:
    """Publish each pool's numbers and the totals. A pool without an open session has no oldest one."""
    for load in health.pools:
        age = load.oldest_open_session_minutes
        publish(
            {"Environment": environment, "Pool": load.pool},
            Metric("ActiveThreads", load.active_threads),
            Metric("ActiveSessions", load.active_sessions),
            Metric("PoolLoadPercent", load.load_percent, "Percent"),
            Metric("StuckSessions", load.stuck_sessions),
            *([] if age is None else [Metric("OldestOpenSessionMinutes", age, "None")]),
        )
    publish(
        {"Environment": environment},
        Metric("TotalActiveThreads", health.total_active_threads),
        Metric("TotalActiveSessions", health.total_active_sessions),
        Metric("TotalStuckSessions", health.total_stuck_sessions),
        Metric("UnhealthyPools", health.unhealthy_pools),
        Metric("AllPoolsUnhealthy", health.is_every_pool_unhealthy),
        Metric("Pools", health.total_pools),
    )


def publish_reach(environment: str, *, is_database_readable: bool, site: Site, agrees: bool | None) -> None:
    """Publish what could be reached, 1 or 0 each; what is not known is left out."""
    metrics = [Metric("DatabaseReadable", is_database_readable), Metric("SiteOk", site.state == "ok")]
    if site.is_reachable is not None:
        metrics.append(Metric("SiteReachable", site.is_reachable))
    if site.latency_milliseconds is not None:
        metrics.append(Metric("SiteLatencyMilliseconds", site.latency_milliseconds, "Milliseconds"))
    if agrees is not None:
        metrics.append(Metric("SiteAgrees", agrees))
    publish({"Environment": environment}, *metrics)
