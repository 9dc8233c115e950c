"""One run of session cleanup: end the sessions, then close their threads, and tell what was done in any case."""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from ops_lambdas.session_cleanup import core
from ops_lambdas.session_cleanup.closing import close_everywhere
from ops_lambdas.session_cleanup.sessions import end_stale
from ops_lambdas.shared.database import Writer
from ops_lambdas.shared.metrics import Metric, publish
from ops_lambdas.shared.settings import TaskSettings
from ops_lambdas.shared.tasks import service_tasks


@dataclass(frozen=True)
class Cleanup:
    """One run.

    Args:
        remaining_milliseconds: until the function is ended; counts down.
    """

    tasks: TaskSettings
    environment: str
    older_than_minutes: int
    remaining_milliseconds: Callable[[], int]
    logger: Logger

    def run(self, writer: Writer) -> core.Cleaned:
        """End the stale sessions, close their threads.

        What an error leaves behind is told in the metrics all the same, and is the next run's: sessions are
        found again, threads are thread cleanup's.

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
                    self._publish(sessions, closed)
        assert sessions is not None, "the first step tells what was found, or fails"  # noqa: S101
        return core.cleaned(sessions, closed, environment=self.environment, older_than_minutes=self.older_than_minutes)

    def _close(self, sessions: core.Sessions) -> core.Closed:
        if not sessions.threads:
            return core.Closed()
        found = service_tasks(self.tasks.ecs_cluster, self.tasks.ecs_service)
        addresses = [task.address for task in found.running]
        seconds = core.seconds_for_threads(self._seconds())
        outcome = close_everywhere(addresses, self.tasks.coral_port, sessions.threads, seconds=seconds)
        if outcome.reasons:
            self.logger.warning("Tasks that did not close all threads", extra={"reasons": outcome.reasons})
        if found.without_address:
            self.logger.warning("Tasks without an address", extra={"tasks": found.without_address})
            return core.unreached(outcome.closed, len(found.without_address))
        return outcome.closed

    def _publish(self, sessions: core.Sessions, closed: core.Closed) -> None:
        publish(
            {"Environment": self.environment},
            Metric("SessionsStale", sessions.stale),
            Metric("SessionsEnded", sessions.ended),
            Metric("SessionsSpared", sessions.spared),
            Metric("SessionsLeft", sessions.left),
            Metric("ThreadsClosed", closed.threads),
            Metric("ThreadsLeft", closed.left + sessions.unkept_threads),
        )

    def _seconds(self) -> float:
        return self.remaining_milliseconds() / 1000
