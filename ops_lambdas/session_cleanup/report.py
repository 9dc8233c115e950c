"""Session cleanup's result and metrics."""

from typing import Literal, TypedDict

from ops_lambdas.session_cleanup.core import Closed, PoolStale, Sessions
from ops_lambdas.shared.fleet import Listing
from ops_lambdas.shared.metrics import Metric, publish

_MAX_POOLS = 100


class Cleaned(TypedDict):
    """The check's result when it ended the idle sessions.

    `state` is "no_threads_api" when their threads were not closed, because no task's Coral server has such routes.
    `sessions_kept_active` look idle by `lastActivityAt` alone, and have a younger thread or message.
    `tasks_without_pools` answered 404 to every list, `tasks_unlisted` with no list, `pools_unlisted` no task could
    list. `is_complete`: all is known, and nothing is left.
    """

    state: Literal["cleaned", "no_threads_api"]
    environment: str
    is_complete: bool
    older_than_minutes: int
    sessions_stale: int
    sessions_ended: int
    sessions_spared: int
    sessions_left: int
    sessions_kept_active: int
    threads_closed: int
    threads_spared: int
    threads_left: int
    threads_still_listed: int
    tasks: int
    tasks_failed: int
    tasks_unlisted: list[str]
    tasks_without_pools: list[str]
    pools_unlisted: list[str]


class PoolResult(TypedDict):
    """The idle sessions of one pool, and their threads."""

    pool: str
    sessions_stale: int
    sessions_kept_active: int
    threads: int


class DryRun(TypedDict):
    """The check's result when it only counted; `pools` are those with the most idle sessions."""

    state: Literal["dry_run"]
    environment: str
    older_than_minutes: int
    sessions_stale: int
    sessions_kept_active: int
    threads: int
    pools: list[PoolResult]
    unlisted_pools: int


class NothingDone(TypedDict):
    """The check's result before the application created its tables, or while another run holds the lock."""

    state: Literal["tables_missing", "already_running"]
    environment: str


SessionCleanupResult = Cleaned | DryRun | NothingDone


def cleaned(sessions: Sessions, closed: Closed, *, environment: str, older_than_minutes: int) -> Cleaned:
    """Return the result of a run that ended sessions."""
    listing = closed.listing or Listing()
    left = closed.left + sessions.unkept_threads
    return {
        "state": "cleaned" if closed.has_threads_api else "no_threads_api",
        "environment": environment,
        "is_complete": closed.has_threads_api and listing.is_complete and not (sessions.left or left),
        "older_than_minutes": older_than_minutes,
        "sessions_stale": sessions.stale,
        "sessions_ended": sessions.ended,
        "sessions_spared": sessions.spared,
        "sessions_left": sessions.left,
        "sessions_kept_active": sessions.kept_active,
        "threads_closed": closed.threads,
        "threads_spared": closed.spared,
        "threads_left": left,
        "threads_still_listed": closed.still_listed,
        "tasks": closed.tasks,
        "tasks_failed": closed.tasks_failed,
        "tasks_unlisted": list(listing.unlisted),
        "tasks_without_pools": list(listing.without_pools),
        "pools_unlisted": list(listing.pools_unlisted),
    }


def dry_run(pools: list[PoolStale], *, environment: str, older_than_minutes: int) -> DryRun:
    """Return the result of a run that only counted."""
    return {
        "state": "dry_run",
        "environment": environment,
        "older_than_minutes": older_than_minutes,
        "sessions_stale": sum(pool.sessions for pool in pools),
        "sessions_kept_active": sum(pool.kept_active for pool in pools),
        "threads": sum(pool.threads for pool in pools),
        "pools": [
            {
                "pool": pool.pool,
                "sessions_stale": pool.sessions,
                "sessions_kept_active": pool.kept_active,
                "threads": pool.threads,
            }
            for pool in sorted(pools, key=lambda pool: (-pool.sessions, pool.pool))[:_MAX_POOLS]
        ],
        "unlisted_pools": max(len(pools) - _MAX_POOLS, 0),
    }


def publish_metrics(environment: str, sessions: Sessions, closed: Closed) -> None:
    """Publish the outcome for the sessions and their threads."""
    numbers = {
        "SessionsStale": sessions.stale,
        "SessionsEnded": sessions.ended,
        "SessionsSpared": sessions.spared,
        "SessionsLeft": sessions.left,
        "ThreadsClosed": closed.threads,
        "ThreadsLeft": closed.left + sessions.unkept_threads,
    }
    publish({"Environment": environment}, *(Metric(name, number, is_rare=True) for name, number in numbers.items()))
