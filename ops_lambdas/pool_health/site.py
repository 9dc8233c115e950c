"""The answer of the site's own pool health, and whether it agrees with the database. Values in, values out."""

from dataclasses import dataclass
from typing import Any

from ops_lambdas.pool_health.core import Counts
from ops_lambdas.shared.bounds import cut, shown
from ops_lambdas.shared.http import Answer, NotJsonError
from ops_lambdas.shared.site import MAX_DETAIL_LENGTH, UNANSWERED, State, state_of_status

# The site counts at some moment between our request and its answer, and we have counted just before. Further
# apart than this, the two cannot be compared.
MAX_COMPARED_LATENCY_MILLISECONDS = 10_000
# What may change in that time: one session begins, ends or becomes idle, with a thread for each of seven
# agents; and in a rush, when 50 sessions a second begin, a tenth of all.
SESSIONS_TOLERANCE = 1
THREADS_TOLERANCE = 7
SHARE_TOLERANCE = 0.1
_MAX_POOLS = 1000
_MAX_NAME = 200  # characters, as many as are read of the table's
_MAX_NUMBER = 10**9


@dataclass(frozen=True)
class SiteCount:
    """The site's numbers of one pool."""

    pool: str
    active_threads: int
    active_sessions: int


@dataclass(frozen=True, kw_only=True)
class Site:
    """The outcome of calling the site.

    Attributes:
        latency_milliseconds: None when no whole answer came.
        counts: only when the state is "ok".
    """

    state: State
    status: int | None = None
    latency_milliseconds: float | None = None
    detail: str = ""
    counts: tuple[SiteCount, ...] = ()

    @property
    def is_reachable(self) -> bool | None:
        """Whether a whole answer came, with any status; None when the site was not called."""
        return None if self.state == "secret_unreadable" else self.state not in UNANSWERED


def understand(answer: Answer, latency_milliseconds: float) -> Site:
    """Return the outcome for a whole answer."""

    def site(state: State, detail: str = "", counts: tuple[SiteCount, ...] = ()) -> Site:
        return Site(
            state=state,
            status=answer.status,
            latency_milliseconds=latency_milliseconds,
            detail=detail[:MAX_DETAIL_LENGTH],
            counts=counts,
        )

    if answer.status != 200:
        return site(state_of_status(answer.status), shown(answer.body, MAX_DETAIL_LENGTH))
    try:
        return site("ok", counts=_counts(answer.json()))
    except NotJsonError as error:
        return site("not_json", str(error))
    except _ShapeError as error:
        return site("wrong_shape", str(error))


def disagreements(site: Site, counts: Counts) -> list[str] | None:
    """List the numbers in which site and database differ by more than what may change between the two readings.

    A pool that only one of them shows counts as empty in the other.

    Returns:
        None when they cannot be compared: the site gave no numbers, or took too long.
    """
    latency = site.latency_milliseconds
    if site.state != "ok" or latency is None or latency > MAX_COMPARED_LATENCY_MILLISECONDS:
        return None
    theirs = {count.pool: (count.active_threads, count.active_sessions) for count in site.counts}
    ours = {count.pool: (count.active_threads, count.active_sessions) for count in counts.pools}
    found = []
    for pool in sorted({*theirs, *ours}):
        pairs = zip(
            ("active threads", "active sessions"),
            (THREADS_TOLERANCE, SESSIONS_TOLERANCE),
            theirs.get(pool, (0, 0)),
            ours.get(pool, (0, 0)),
            strict=True,
        )
        found += [
            f"{pool}: {their} {what} on the site, {our} in the database"
            for what, tolerance, their, our in pairs
            if abs(their - our) > max(tolerance, SHARE_TOLERANCE * max(their, our))
        ]
    return found


class _ShapeError(ValueError):
    """The JSON is not a pool health answer."""


def _counts(body: Any) -> tuple[SiteCount, ...]:
    success = _member(body, "success", "the body")
    if success is not True:
        raise _ShapeError(f"success is {shown(success)}, error {shown(body.get('error'))}")
    pools = _member(_member(body, "statistics", "the body"), "pools", "statistics")
    if not isinstance(pools, list) or len(pools) > _MAX_POOLS:
        raise _ShapeError("statistics.pools is not a list of pools")
    counts = tuple(
        SiteCount(
            _name(_member(pool, "poolId", "a pool")), _number(pool, "activeThreads"), _number(pool, "activeSessions")
        )
        for pool in pools
    )
    if len({count.pool for count in counts}) < len(counts):
        raise _ShapeError("statistics.pools has a pool twice")
    return counts


def _member(value: Any, name: str, where: str) -> Any:
    if not isinstance(value, dict) or name not in value:
        raise _ShapeError(f"{where} has no {name}")
    return value[name]


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise _ShapeError(f"poolId is {shown(value)}")
    return cut(value, _MAX_NAME)


def _number(pool: Any, name: str) -> int:
    value = _member(pool, name, "a pool")
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_NUMBER:
        raise _ShapeError(f"{name} is {shown(value)}")
    return value
