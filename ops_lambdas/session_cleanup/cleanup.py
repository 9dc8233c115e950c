"""One run of session cleanup: end the sessions, close their threads, and publish what was done, also on an error."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aws_lambda_powertools import Logger

from ops_lambdas.session_cleanup import core, queries, report
from ops_lambdas.session_cleanup.access import end_stale
from ops_lambdas.session_cleanup.settings import Settings
from ops_lambdas.shared.closing import Clock, Closings, close, confirm
from ops_lambdas.shared.database import Writer
from ops_lambdas.shared.fleet import Fleet, Listing, pools_to_list
from ops_lambdas.shared.tasks import Tasks, service_tasks
from ops_lambdas.shared.thread_records import ThreadRecords

# Of the time for threads, at most this share goes to listing them, before and after.
_LISTING_SHARE = 0.25
_MAX_REASONS = 20


@dataclass
class _Progress:
    """What was done so far; also after an error. Sessions without `idle_since`: none were looked for yet."""

    sessions: core.Sessions = field(default_factory=core.Sessions)
    closed: core.Closed = field(default_factory=core.Closed)


@dataclass(frozen=True)
class Cleanup:
    """One run.

    Args:
        remaining_milliseconds: until the function's timeout; counts down.
        clock: against which the database's answer about a thread is fresh; seconds.
    """

    config: Settings
    older_than_minutes: int
    remaining_milliseconds: Callable[[], int]
    logger: Logger
    clock: Clock = time.monotonic

    def run(self, writer: Writer) -> report.Cleaned:
        """End the stale sessions, close their threads.

        The metrics are published also on an error. Later runs do the rest: this check finds the sessions again,
        thread cleanup the threads.

        Raises:
            DatabaseError, TasksError.
        """
        started = self._seconds()
        end = started - core.seconds_for_sessions(started)
        progress = _Progress()
        try:
            for so_far in end_stale(writer, older_than_minutes=self.older_than_minutes):
                progress.sessions, progress.closed = so_far, core.Closed(left=len(so_far.threads))
                if self._seconds() < end:
                    break
            self._close(writer, progress)
        finally:
            if progress.sessions.idle_since:
                report.publish_metrics(self.config.environment, progress.sessions, progress.closed)
        return report.cleaned(
            progress.sessions,
            progress.closed,
            environment=self.config.environment,
            older_than_minutes=self.older_than_minutes,
        )

    def _close(self, writer: Writer, progress: _Progress) -> None:
        """Close the threads that any task holds; without the database, which must allow each, none."""
        sessions = progress.sessions
        if not sessions.threads or sessions.idle_since is None:
            return
        seconds = core.seconds_for_threads(self._seconds())
        tasks = service_tasks(self.config.ecs_cluster, self.config.ecs_service, seconds=seconds)
        fleet, seconds = Fleet(tasks.running, self.config.coral_port), core.seconds_for_threads(self._seconds())
        pools = pools_to_list(self.config.pools, (thread.pool for thread in sessions.threads))
        listing = fleet.list_everywhere(pools, seconds=seconds * _LISTING_SHARE)
        if listing.lacks_threads_api:
            self.logger.warning("Coral has no threads API, threads were not closed")
            progress.closed = core.without_threads_api(len(sessions.threads), len(tasks.running))
            return
        ((now,),) = writer.rows(queries.NOW)
        records = ThreadRecords(writer, ended_before=now, quiet_since=sessions.idle_since)
        held, closings = core.held_of(listing, sessions.threads), Closings()
        closing_seconds = core.seconds_for_threads(self._seconds()) * (1 - _LISTING_SHARE)
        try:
            close(fleet, held, records.over, closings, seconds=closing_seconds, clock=self.clock)
        finally:
            confirm(fleet, closings, seconds=core.seconds_for_threads(self._seconds()))
            progress.closed = core.closed(sessions.threads, tasks, listing, closings)
            self._warn(tasks, listing, closings)

    def _warn(self, tasks: Tasks, listing: Listing, closings: Closings) -> None:
        """Log which tasks did not list or close all, and why."""
        if reasons := [*listing.failed, *(f"{one.task}: {reason}" for one, reason in closings.reasons)]:
            some = {"reasons": reasons[:_MAX_REASONS]}
            self.logger.warning("Tasks that did not list or close all threads", extra=some)
        if tasks.without_address:
            self.logger.warning("Tasks without an address", extra={"tasks": tasks.without_address})

    def _seconds(self) -> float:
        return self.remaining_milliseconds() / 1000
