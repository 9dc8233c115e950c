"""Session cleanup's result and metrics."""

from typing import Literal, TypedDict

from ops_lambdas.session_cleanup.core import Closed, PoolStale, Sessions
from ops_lambdas.shared.metrics import Metric, publish


class Cleaned(TypedDict):
    """The check's result when it ended the idle sessions.

    `state` is "no_threads_api" when their threads were not closed, because no task's Coral server has such routes.
    """

    state: Literal["cleaned", "no_threads_api"]
    environment: str
    older_than_minutes: int
    sessions_stale: int
    sessions_ended: int
    sessions_spared: int
    sessions_left: int
    threads_closed: int
    threads_left: int
    tasks: int
    tasks_failed: int


class PoolResult(TypedDict):
    """The idle sessions of one pool, and their threads."""

    pool: str
    sessions_stale: int
    threads: int


class DryRun(TypedDict):
    """The check's result when it only counted."""

    state: Literal["dry_run"]
    environment: str
    older_than_minutes: int
    sessions_stale: int
    threads: int
    pools: list[PoolResult]


class NothingDone(TypedDict):
    """The check's result before the application created its tables, or while another run holds the lock."""

    state: Literal["tables_missing", "already_running"]
    environment: str


SessionCleanupResult = Cleaned | DryRun | NothingDone


def cleaned(sessions: Sessions, closed: Closed, *, environment: str, older_than_minutes: int) -> Cleaned:
    """Return the result of a run that ended sessions."""
    return {
        "state": "cleaned" if closed.has_threads_api else "no_threads_api",
        "environment": environment,
        "older_than_minutes": older_than_minutes,
        "sessions_stale": sessions.stale,
        "sessions_ended": sessions.ended,
        "sessions_spared": sessions.spared,
        "sessions_left": sessions.left,
        "threads_closed": closed.threads,
        "threads_left": closed.left + sessions.unkept_threads,
        "tasks": closed.tasks,
        "tasks_failed": closed.tasks_failed,
    }


def dry_run(pools: list[PoolStale], *, environment: str, older_than_minutes: int) -> DryRun:
    """Return the result of a run that only counted."""
    return {
        "state": "dry_run",
        "environment": environment,
        "older_than_minutes": older_than_minutes,
        "sessions_stale": sum(pool.sessions for pool in pools),
        "threads": sum(pool.threads for pool in pools),
        "pools": [{"pool": pool.pool, "sessions_stale": pool.sessions, "threads": pool.threads} for pool in pools],
    }


def publish_metrics(environment: str, sessions: Sessions, closed: Closed) -> None:
    """Publish the outcome for the sessions and their threads."""
    publish(
        {"Environment": environment},
        Metric("SessionsStale", sessions.stale),
        Metric("SessionsEnded", sessions.ended),
        Metric("SessionsSpared", sessions.spared),
        Metric("SessionsLeft", sessions.left),
        Metric("ThreadsClosed", closed.threads),
        Metric("ThreadsLeft", closed.left + sessions.unkept_threads),
    )
