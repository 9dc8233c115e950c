"""One run of thread cleanup: list, wait, look up, close. It closes only threads that it looked up in the database."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ops_lambdas.shared import database
from ops_lambdas.shared.coral import Outcome, Thread
from ops_lambdas.shared.fleet import Fleet, calling
from ops_lambdas.shared.tasks import Tasks, service_tasks
from ops_lambdas.thread_cleanup import core, queries
from ops_lambdas.thread_cleanup.listing import list_threads
from ops_lambdas.thread_cleanup.settings import Options, Settings

# The database answers for 5,000 threads in tens of milliseconds.
_STATEMENT_TIMEOUT_SECONDS = 10
_LOOKUP_SECONDS = 15


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
    listing: core.Listing | None = None
    judgement: core.Judgement | None = None
    is_refused: bool | None = None
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)
    spared: int = 0
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
    Attributes: progress, also after an error.
    """

    def __init__(
        self, config: Settings, options: Options, *, seconds: float, grace_seconds: float | None = None
    ) -> None:
        self._config = config
        self._options = options
        self._grace_seconds = config.grace_seconds if grace_seconds is None else grace_seconds
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
                login, application_name="thread_cleanup", statement_timeout_seconds=_STATEMENT_TIMEOUT_SECONDS
            ) as connection:
                connection.rows(queries.READ_ONLY)
                if not connection.try_lock("thread_cleanup"):
                    return "already_running"
                self._known(connection, [""])  # a missing table or grant shows before anything is done
                self.progress.tasks = service_tasks(self._config.ecs_cluster, self._config.ecs_service)
                with calling(
                    self.progress.tasks.running, self._config.coral_port, seconds=self._seconds_left()
                ) as fleet:
                    self._judge(connection, fleet)
                    if not self._options.dry_run:
                        self._close(connection, fleet)
        except NoThreadsApiError:
            return "no_threads_api"
        except database.TablesMissingError:
            if self.progress.judgement:
                raise  # they were there, and threads may be closed already
            return "tables_missing"
        return "dry_run" if self._options.dry_run else "cleaned"

    def _judge(self, connection: database.Reader, fleet: Fleet) -> None:
        """List, wait, and find out what may be closed; refuse when that is implausible."""
        listing = self.progress.listing = list_threads(fleet, self._config.pools)
        if listing.lacks_threads_api:
            raise NoThreadsApiError
        if not listing.answering and self.progress.has_running_tasks:
            raise NoThreadsListedError("; ".join(listing.failed[:5]) or "no running task has an address")
        if listing.held:
            if self._seconds_left() < self._grace_seconds + _LOOKUP_SECONDS:
                raise OutOfTimeError(
                    f"{self._seconds_left():.0f} seconds are left after listing, the grace period of "
                    f"{self._grace_seconds:g} and the lookups in the database need {_LOOKUP_SECONDS} more"
                )
            time.sleep(self._grace_seconds)
        known = self._known(connection, {one.thread for one in listing.held})
        judgement = self.progress.judgement = core.judge(listing.held, known)
        self.progress.is_refused = not (judgement.is_plausible or self._options.force)
        if self.progress.is_refused and not self._options.dry_run:
            raise RefusedError(
                f"{len(judgement.unknown)} of {judgement.listed} threads are unknown to the database, which is "
                "implausible: is it the right database, with all its rows? If so, run the check with force"
            )

    def _close(self, connection: database.Reader, fleet: Fleet) -> None:
        """Look up each thread that may be closed once more, and close it."""
        progress = self.progress
        assert progress.judgement is not None  # noqa: S101
        threads = core.closing_order(progress.judgement)
        for wave in core.parts(threads[: core.MAX_CLOSED], core.WAVE_THREADS):
            if self._seconds_left() < _LOOKUP_SECONDS:
                return
            known = self._known(connection, {one.thread for one in wave})
            still = [one for one in wave if known.get(one.thread, True)]
            progress.spared += len(wave) - len(still)
            self._close_wave(fleet, still)
        tried = progress.spared + progress.outcomes["closed"] + progress.outcomes["gone"]
        progress.is_complete = tried == len(threads)

    def _close_wave(self, fleet: Fleet, wave: Iterable[core.Held]) -> None:
        by_task: dict[str, list[Thread]] = {}
        for one in wave:
            by_task.setdefault(one.task, []).append(Thread(one.pool, one.thread))
        closings = fleet.close(by_task)
        for outcomes in closings.outcomes.values():
            self.progress.outcomes.update(outcome for outcome in outcomes if outcome)
        self.progress.reasons += [
            f"{one.thread.id} of {one.thread.pool} on task {one.task.id}: {one.reason}" for one in closings.failures
        ]

    def _known(self, connection: database.Reader, threads: Iterable[str]) -> dict[str, bool]:
        """Return, for each thread that the database knows, whether it may be closed."""
        known: dict[str, bool] = {}
        for ids in core.parts(list(threads), queries.MAX_IDS):
            if self._seconds_left() < 0:
                raise OutOfTimeError("the time was up before all threads were looked up in the database")
            rows = connection.rows(queries.KNOWN, ids=json.dumps(ids), grace_seconds=self._grace_seconds)
            known.update((thread, is_over) for thread, is_over in rows)
        return known

    def _seconds_left(self) -> float:
        return self._ends_at - time.monotonic()
