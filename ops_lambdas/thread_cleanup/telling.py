"""What a run of thread cleanup tells: its result and its metrics, as far as it came."""

from typing import Literal

from ops_lambdas.shared.metrics import Metric, publish
from ops_lambdas.thread_cleanup import core
from ops_lambdas.thread_cleanup.cleanup import Progress

# A page of log is 256 KiB; what happened shows in some.
_MAX_REASONS = 20


def result(state: Literal["cleaned", "dry_run"], config: core.Settings, progress: Progress) -> core.Cleaned:
    """Return the result of a run that looked at all threads."""
    tasks, listing, judgement = progress.tasks, progress.listing, progress.judgement
    assert tasks and listing and judgement  # noqa: S101, PT018
    outcomes = progress.outcomes
    failed = outcomes["failed"] + outcomes["unreachable"] + outcomes["out_of_time"]
    closable = len(judgement.ended) + len(judgement.unknown)
    return {
        "state": state,
        "environment": config.environment,
        "is_complete": progress.is_complete,
        "would_refuse": bool(progress.is_refused),
        "tasks": len(tasks.running),
        "tasks_unreachable": list(listing.unreachable),
        "tasks_without_address": list(tasks.without_address),
        "listings_failed": list(listing.failed),
        "threads_listed": judgement.listed,
        "threads_unknown": len(judgement.unknown),
        "threads_ended": len(judgement.ended),
        "threads_closed": outcomes["closed"],
        "threads_gone": outcomes["gone"],
        "threads_failed": failed,
        "threads_spared": progress.spared,
        "threads_left": closable - progress.spared - outcomes.total(),
        "pools": core.by_pool(config.pools, listing.held, judgement),
    }


def metrics(environment: str, progress: Progress) -> None:
    """Publish what is known; what is not known has no value, least of all zero."""
    numbers: dict[str, int] = {}
    outcomes = progress.outcomes
    if progress.listing:
        numbers["TasksUnreachable"] = len(progress.listing.unreachable)
        if progress.listing.answering or not progress.has_running_tasks:
            numbers["ThreadsListed"] = len(progress.listing.held)
    if progress.judgement:
        numbers["ThreadsUnknown"] = len(progress.judgement.unknown)
        numbers["ThreadsClosed"] = outcomes["closed"]
        numbers["ThreadsFailed"] = outcomes["failed"] + outcomes["unreachable"] + outcomes["out_of_time"]
        numbers["ThreadCleanupRefused"] = int(bool(progress.is_refused))
    if numbers:
        publish({"Environment": environment}, *(Metric(name, value) for name, value in numbers.items()))


def reasons(progress: Progress) -> list[str]:
    """Return why something could not be listed or closed: the first few, as many can have one cause."""
    listed = progress.listing.failed if progress.listing else ()
    return [*listed[:_MAX_REASONS], *progress.reasons[:_MAX_REASONS]]
