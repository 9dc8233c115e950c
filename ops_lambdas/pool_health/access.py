"""Reading the database, and the site from outside."""

import time
from dataclasses import dataclass

from ops_lambdas.pool_health import core, queries
from ops_lambdas.pool_health.settings import Settings
from ops_lambdas.pool_health.site import Site, understand
from ops_lambdas.shared import database
from ops_lambdas.shared.http import HttpClient, HttpError
from ops_lambdas.shared.secret_values import SecretError, read_secret

ROUTE = "/api/cron/pool-health"
# The site can take tens of seconds in an incident. With the database's connect and statement timeouts
# (20 s at worst) this stays below the function's minute.
_SITE_SECONDS = 30


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
        with database.reading(database.iam_login(config), application_name="pool_health") as reader:
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
        headers = {"Authorization": f"Bearer {_cron_secret(config.cron_secret_arn)}", "Accept": "application/json"}
    except SecretError as error:
        return Site(state="secret_unreadable", detail=str(error))
    with HttpClient(seconds=_SITE_SECONDS, answer_seconds=_SITE_SECONDS) as client:
        start = time.monotonic()
        try:
            answer = client.request("GET", f"{config.site_url}{ROUTE}", headers=headers)
        except HttpError as error:
            return Site(state="timeout" if error.kind == "out_of_time" else error.kind, detail=str(error))
        return understand(answer, round(1000 * (time.monotonic() - start), 1))


def _cron_secret(arn: str) -> str:
    value = read_secret(arn).get("value")
    # A header holds printable ASCII only; the HTTP library's error would show the secret.
    if not (isinstance(value, str) and value and value.isascii() and value.isprintable()):
        raise SecretError(f"secret {arn} has no valid value")
    return value
