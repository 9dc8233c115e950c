"""Reading the database, and the site from outside."""

from dataclasses import dataclass

from ops_lambdas.pool_health import core, queries
from ops_lambdas.pool_health.settings import Settings
from ops_lambdas.pool_health.site import Site, understand
from ops_lambdas.shared import database
from ops_lambdas.shared.http import HttpError
from ops_lambdas.shared.secret_values import SecretError
from ops_lambdas.shared.site import ask, state_of_failure

ROUTE = "/api/cron/pool-health"
# The site can take tens of seconds in an incident. With the secret, both stay below the function's minute.
_DATABASE_SECONDS, _SITE_SECONDS = 20, 30


@dataclass(frozen=True)
class Reading:
    """The outcome of querying the database.

    Attributes:
        counts: only when the state is "measured".
        reason: why there are no counts, for the log.
        failure: only when the database is unavailable.
    """

    state: core.State
    counts: core.Counts | None = None
    reason: str = ""
    failure: database.DatabaseError | database.TokenError | None = None


def count_pools(config: Settings) -> Reading:
    """Count in the database; a failure is returned, not raised, because the site is called in any case."""
    try:
        login = database.iam_login(config)
        with database.reading(login, application_name="pool_health", seconds=_DATABASE_SECONDS) as reader:
            if not reader.try_lock("pool_health"):
                return Reading("already_running")
            rows = reader.rows(
                queries.POOLS,
                active_minutes=core.ACTIVE_WITHIN_MINUTES,
                stuck_minutes=core.STUCK_AFTER_MINUTES,
                inactive_limit=core.INACTIVE_LIMIT,
            )
    except database.TablesMissingError as missing:
        return Reading("tables_missing", reason=str(missing))
    except (database.DatabaseError, database.TokenError) as failure:
        return Reading("database_unavailable", reason=str(failure), failure=failure)
    return Reading("measured", core.counts(rows))


def ask_site(config: Settings) -> Site:
    """Call the site's own pool health as an operator does; every failure is a state of the result."""
    try:
        answer, milliseconds = ask(f"{config.site_url}{ROUTE}", config.cron_secret_arn, seconds=_SITE_SECONDS)
    except (SecretError, HttpError) as error:
        return Site(state=state_of_failure(error), detail=str(error))
    return understand(answer, milliseconds)
