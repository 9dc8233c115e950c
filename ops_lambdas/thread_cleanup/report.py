"""Thread cleanup's result and metrics, as far as the run got."""

from collections.abc import Iterable
from typing import Literal, TypedDict

from ops_lambdas.shared.fleet import Held
from ops_lambdas.shared.metrics import Metric, publish
from ops_lambdas.thread_cleanup.cleanup import Progress
from ops_lambdas.thread_cleanup.core import Judgement
from ops_lambdas.thread_cleanup.settings import Settings

# A log event holds 256 KiB; a few reasons show the cause.
_MAX_REASONS = 20


class PoolResult(TypedDict):
    """One pool over all tasks."""

    pool: str
    threads_listed: int
    threads_unknown: int
    threads_ended: int


class Cleaned(TypedDict):
    """The check's result when it listed and looked up all threads.

    `threads_closed` were closed now, `threads_gone` were closed already, `threads_failed` may still be open, for
    `threads_left` there was no time, no room below the cap, or no task that answered. `threads_spared` may not be
    closed any more, by what the database said right before. Of the failed, `threads_still_listed` are those of which a
    task said that they are closed. `tasks_without_pools` answered 404 to every list, `tasks_unlisted` with no list,
    `pools_unlisted` no task could list; `listings_failed` has the first reasons. `is_complete`: all is known, and
    nothing is left.
    """

    state: Literal["cleaned", "dry_run"]
    environment: str
    is_complete: bool
    would_refuse: bool
    tasks: int
    tasks_unreachable: list[str]
    tasks_without_address: list[str]
    tasks_unlisted: list[str]
    tasks_without_pools: list[str]
    pools_unlisted: list[str]
    listings_failed: list[str]
    threads_listed: int
    threads_unknown: int
    threads_ended: int
    threads_closed: int
    threads_gone: int
    threads_failed: int
    threads_still_listed: int
    threads_spared: int
    threads_left: int
    pools: list[PoolResult]


class NothingDone(TypedDict):
    """The check's result when nothing was done.

    Before the application created its tables; while another run holds the lock; when no task's Coral server has the
    threads API.
    """

    state: Literal["tables_missing", "already_running", "no_threads_api"]
    environment: str


ThreadCleanupResult = Cleaned | NothingDone


def result(state: Literal["cleaned", "dry_run"], config: Settings, progress: Progress) -> Cleaned:
    """Return the result of a run that listed and looked up all threads."""
    tasks, listing, judgement = progress.tasks, progress.listing, progress.judgement
    assert tasks and listing and judgement  # noqa: S101, PT018
    outcomes = progress.closings.counts
    closable = len(judgement.ended) + len(judgement.unknown)
    return {
        "state": state,
        "environment": config.environment,
        "is_complete": progress.is_complete,
        "would_refuse": bool(progress.is_refused),
        "tasks": len(tasks.running),
        "tasks_unreachable": list(listing.unreachable),
        "tasks_without_address": list(tasks.without_address),
        "tasks_unlisted": list(listing.unlisted),
        "tasks_without_pools": list(listing.without_pools),
        "pools_unlisted": list(listing.pools_unlisted),
        "listings_failed": list(listing.failed[:_MAX_REASONS]),
        "threads_listed": judgement.listed,
        "threads_unknown": len(judgement.unknown),
        "threads_ended": len(judgement.ended),
        "threads_closed": outcomes["closed"],
        "threads_gone": outcomes["gone"],
        "threads_failed": outcomes["failed"],
        "threads_still_listed": progress.closings.still_listed,
        "threads_spared": outcomes["spared"],
        "threads_left": closable - outcomes.total(),
        "pools": by_pool(config.pools, listing.held, judgement),
    }


def publish_metrics(environment: str, progress: Progress) -> None:
    """Publish what is known and not zero."""
    numbers: dict[str, int] = {}
    outcomes = progress.closings.counts
    if progress.listing:
        numbers["TasksUnreachable"] = len(progress.listing.unreachable)
        numbers["ThreadsApiMissing"] = int(progress.listing.lacks_threads_api)
        numbers["TasksUnlisted"] = len(progress.listing.unlisted)
        numbers["TasksWithoutPools"] = len(progress.listing.without_pools)
        numbers["PoolsUnlisted"] = len(progress.listing.pools_unlisted)
        if progress.listing.listing or not progress.has_running_tasks:
            numbers["ThreadsListed"] = len(progress.listing.held)
    if progress.judgement:
        numbers["ThreadsUnknown"] = len(progress.judgement.unknown)
        numbers["ThreadsClosed"] = outcomes["closed"]
        numbers["ThreadsFailed"] = outcomes["failed"]
        numbers["ThreadsStillListed"] = progress.closings.still_listed
        numbers["ThreadCleanupRefused"] = int(bool(progress.is_refused))
    if numbers:
        publish({"Environment": environment}, *(Metric(name, value, is_rare=True) for name, value in numbers.items()))


def reasons(progress: Progress) -> list[str]:
    """Return why something could not be listed or closed: the first few, as many often have one cause."""
    listed = progress.listing.failed if progress.listing else ()
    closings = [
        f"{one.thread} of {one.pool} on task {one.task}: {reason}"
        for one, reason in progress.closings.reasons[:_MAX_REASONS]
    ]
    return [*listed[:_MAX_REASONS], *closings]


def by_pool(pools: Iterable[str], held: Iterable[Held], judgement: Judgement) -> list[PoolResult]:
    """Count the threads of each pool."""
    counts = {pool: PoolResult(pool=pool, threads_listed=0, threads_unknown=0, threads_ended=0) for pool in pools}
    for one in held:
        counts.setdefault(one.pool, PoolResult(pool=one.pool, threads_listed=0, threads_unknown=0, threads_ended=0))[
            "threads_listed"
        ] += 1
    for one in judgement.unknown:
        counts[one.pool]["threads_unknown"] += 1
    for one in judgement.ended:
        counts[one.pool]["threads_ended"] += 1
    return list(counts.values())
