"""One run of session cleanup: end the sessions, close their threads, and publish what was done, also on an error."""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ops_lambdas.session_cleanup import core, report
from ops_lambdas.session_cleanup.access import end_stale
from ops_lambdas.session_cleanup.settings import Settings
from ops_lambdas.shared import fleet
from ops_lambdas.shared.coral import is_usable_id
from ops_lambdas.shared.database import Writer
from ops_lambdas.shared.tasks import service_tasks

# As many as are in progress at once: a task that fails slowly costs no more than one round of its calls.
_MAX_FAILURES = fleet.CALLS_PER_TASK
# Of the time for threads, at most this share goes to asking whether they can be closed.
_PROBE_SHARE = 0.25


@dataclass(frozen=True)
class Cleanup:
    """One run.

    Args:
        remaining_milliseconds: until the function's timeout; counts down.
    """

    config: Settings
    older_than_minutes: int
    remaining_milliseconds: Callable[[], int]
    logger: Logger

    def run(self, writer: Writer) -> report.Cleaned:
        """End the stale sessions, close their threads.

        The metrics are published also on an error. Later runs do the rest: this check finds the sessions again,
        thread cleanup the threads.

        Raises:
            DatabaseError, TasksError.
        """
        started = self._seconds()
        end = started - core.seconds_for_sessions(started)
        sessions: core.Sessions | None = None
        closed = core.Closed()
        try:
            for so_far in end_stale(writer, older_than_minutes=self.older_than_minutes):
                sessions = so_far
                if self._seconds() < end:
                    break
        finally:
            if sessions is not None:
                try:
                    closed = core.Closed(left=len(sessions.threads))
                    closed = self._close(sessions)
                finally:
                    report.publish_metrics(self.config.environment, sessions, closed)
        assert sessions is not None, "the first step yields what was found, or fails"  # noqa: S101
        return report.cleaned(
            sessions, closed, environment=self.config.environment, older_than_minutes=self.older_than_minutes
        )

    def _close(self, sessions: core.Sessions) -> core.Closed:
        if not sessions.threads:
            return core.Closed()
        found = service_tasks(self.config.ecs_cluster, self.config.ecs_service)
        # An id that is not safe in a URL is not Coral's, and not a task's failure.
        usable = [one for one in sessions.threads if is_usable_id(one.pool) and is_usable_id(one.id)]
        seconds = core.seconds_for_threads(self._seconds())
        port = self.config.coral_port
        with fleet.calling(found.running, port, seconds=seconds, max_failures=_MAX_FAILURES) as corals:
            if corals.lacks_threads_api(self.config.pools, seconds=seconds * _PROBE_SHARE):
                self.logger.warning("Coral has no threads API, threads were not closed")
                return core.without_threads_api(len(sessions.threads), len(found.running))
            closings = corals.close_everywhere(usable)
        closed = core.closed(len(sessions.threads), closings.outcomes.values())
        if closings.failures:
            reasons = {one.task.address: one.reason for one in reversed(closings.failures)}  # the first of each task
            self.logger.warning("Tasks that did not close all threads", extra={"reasons": reasons})
        if found.without_address:
            self.logger.warning("Tasks without an address", extra={"tasks": found.without_address})
            return core.unreached(closed, len(found.without_address))
        return closed

    def _seconds(self) -> float:
        return self.remaining_milliseconds() / 1000
