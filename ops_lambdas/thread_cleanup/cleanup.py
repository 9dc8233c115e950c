"""One run of thread cleanup: list, wait, look up, close. It closes only what the database has just allowed."""

import time
from dataclasses import dataclass, field

from ops_lambdas.shared import database
from ops_lambdas.shared.closing import Clock, Closings, close, confirm
from ops_lambdas.shared.fleet import MAX_OTHER_POOLS, Fleet, Listing, pools_to_list
from ops_lambdas.shared.tasks import Tasks, service_tasks
from ops_lambdas.shared.thread_records import MAX_IDS, ThreadRecords, pools_of_sessions
from ops_lambdas.thread_cleanup import core, queries
from ops_lambdas.thread_cleanup.settings import Options, Settings

# The database answers for 5,000 threads in tens of milliseconds.
_STATEMENT_TIMEOUT_SECONDS = 10
_LOOKUP_SECONDS = 15
# Of the time, this share goes to listing.
_LISTING_SHARE = 0.2


class RefusedError(RuntimeError):
    """Implausibly many threads are unknown; nothing was closed."""


class NoThreadsListedError(RuntimeError):
    """Tasks are running, and none of them listed its threads; nothing was closed."""


class NoThreadsApiError(RuntimeError):
    """Every task answers 404 to every list: the Coral server has no such routes, as the public one."""


class OutOfTimeError(RuntimeError):
    """The time is too short for the grace period and the lookups; nothing more was closed."""


@dataclass
class Progress:
    """What a run has done so far; None: not known yet."""

    tasks: Tasks | None = None
    listing: Listing | None = None
    judgement: core.Judgement | None = None
    is_refused: bool | None = None
    closings: Closings = field(default_factory=Closings)
    has_all_pools: bool = True
    is_complete: bool = False

    @property
    def has_running_tasks(self) -> bool:
        """Whether there is a task that should have answered."""
        return self.tasks is not None and bool(self.tasks.running or self.tasks.without_address)


class Cleanup:
    """One run.

    Args:
        seconds: it ends before these have passed.
        grace_seconds: instead of the settings' own; also less than one.
        clock: against which the database's answer about a thread is fresh; seconds.
    Attributes: progress, also after an error.
    """

    def __init__(
        self,
        config: Settings,
        options: Options,
        *,
        seconds: float,
        grace_seconds: float | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._config = config
        self._options = options
        self._grace_seconds = config.grace_seconds if grace_seconds is None else grace_seconds
        self._clock = clock
        self._ends_at = time.monotonic() + seconds
        self.progress = Progress()

    def run(self) -> core.State:
        """Close what may be closed, and return the result's state.

        Raises:
            RefusedError, NoThreadsListedError, OutOfTimeError: see there.
            DatabaseError, TokenError, TasksError: nothing more was closed from then on.
        """
        login = database.iam_login(self._config)
        try:
            # Not one transaction: after the grace period it would not see what was recorded since it began.
            with database.writing(
                login,
                application_name="thread_cleanup",
                statement_timeout_seconds=_STATEMENT_TIMEOUT_SECONDS,
                seconds=self._seconds_left(),
            ) as connection:
                connection.rows(queries.READ_ONLY)
                if not connection.try_lock("thread_cleanup"):
                    return "already_running"
                self._records(connection).known([""])  # a missing table or grant shows before anything is done
                found = pools_of_sessions(connection, most=2 * MAX_OTHER_POOLS)
                self.progress.has_all_pools = len({*found} - {*self._config.pools}) <= MAX_OTHER_POOLS
                pools = pools_to_list(self._config.pools, found)
                self.progress.tasks = service_tasks(
                    self._config.ecs_cluster, self._config.ecs_service, seconds=self._seconds_left()
                )
                fleet = Fleet(self.progress.tasks.running, self._config.coral_port)
                self.progress.listing = fleet.list_everywhere(pools, seconds=self._seconds_left() * _LISTING_SHARE)
                self._judge(connection, self.progress.listing)
                if not self._options.dry_run:
                    self._close(connection, fleet)
        except NoThreadsApiError:
            return "no_threads_api"
        except database.TablesMissingError:
            if self.progress.judgement:
                raise  # they were there, and threads may be closed already
            return "tables_missing"
        return "dry_run" if self._options.dry_run else "cleaned"

    def _judge(self, connection: database.Reader, listing: Listing) -> None:
        """Wait, and find out what may be closed; refuse when that is implausible."""
        if listing.lacks_threads_api:
            raise NoThreadsApiError
        if not listing.listing and self.progress.has_running_tasks:
            raise NoThreadsListedError("; ".join(listing.failed[:5]) or "no running task has an address")
        if listing.held:
            if self._seconds_left() < self._grace_seconds + _LOOKUP_SECONDS:
                raise OutOfTimeError(
                    f"{self._seconds_left():.0f} seconds are left after listing, the grace period of "
                    f"{self._grace_seconds:g} and the lookups in the database need {_LOOKUP_SECONDS} more"
                )
            time.sleep(self._grace_seconds)
        records, known = self._records(connection), dict[str, bool]()
        for ids in core.parts(list({one.thread for one in listing.held}), MAX_IDS):
            if self._seconds_left() < 0:
                raise OutOfTimeError("the time was up before all threads were looked up in the database")
            known |= records.known(ids)
        judgement = self.progress.judgement = core.judge(listing.held, known)
        self.progress.is_refused = not (judgement.is_plausible or self._options.force)
        if self.progress.is_refused and not self._options.dry_run:
            raise RefusedError(
                f"{len(judgement.unknown)} of {judgement.listed} threads are unknown to the database, which is "
                "implausible: is it the right database, with all its rows? If so, run the check with force"
            )

    def _close(self, connection: database.Reader, fleet: Fleet) -> None:
        """Close what may be closed, each thread when the database has allowed it once more."""
        progress = self.progress
        assert progress.tasks and progress.judgement and progress.listing  # noqa: S101, PT018
        threads = core.closing_order(progress.judgement)
        seconds = self._seconds_left() - _LOOKUP_SECONDS
        if seconds > 0:
            allowed = self._records(connection).over_or_unknown
            to_close = threads[: core.MAX_CLOSED]
            close(fleet, to_close, allowed, progress.closings, seconds=seconds, clock=self._clock)
            confirm(fleet, progress.closings, seconds=self._seconds_left())
        counts = progress.closings.counts
        is_done = counts["closed"] + counts["gone"] + counts["spared"] == len(threads)
        is_known = progress.listing.is_complete and progress.has_all_pools and not progress.tasks.without_address
        progress.is_complete = is_done and is_known

    def _records(self, connection: database.Reader) -> ThreadRecords:
        ((settled_before,),) = connection.rows(queries.SETTLED_BEFORE, grace_seconds=self._grace_seconds)
        return ThreadRecords(connection, ended_before=settled_before, quiet_since=settled_before)

    def _seconds_left(self) -> float:
        return self._ends_at - time.monotonic()
