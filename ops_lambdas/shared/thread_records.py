"""What the database knows of threads: whether they are over, and when something last happened in their session.

Names are quoted because Prisma created them in CamelCase, and have their schema, so that a role without rights on it
is told so. Times are UTC without a time zone, or with one: the connection's time zone is UTC.
"""

import json
import threading
from collections.abc import Collection, Sequence
from datetime import datetime

from ops_lambdas.shared.database import Reader

# How many ids, of at most 200 characters each, one statement looks up.
MAX_IDS = 5000

# The newest message of a thread, or null. Two descents of an index, instead of reading all its messages.
_NEWEST_MESSAGE = """greatest(
  (SELECT max("createdAt") FROM public."Message" WHERE "threadId" = {thread}."id"),
  (SELECT max("timestamp") FROM public."Message" WHERE "threadId" = {thread}."id"))"""

# The newest thread of a session or message in one, or null. `lastActivityAt` alone does not show activity: the
# application seldom writes it. A scalar subquery, so that the planner goes through the session's own threads.
NEWEST_OF_SESSION = f"""(
  SELECT max(greatest(own."createdAt", {_NEWEST_MESSAGE.format(thread="own")}))
  FROM public."Thread" AS own WHERE own."sessionId" = {{session}}."id")"""  # noqa: S608 - the tables are ours

# One row for each id that the database has, with whether it is over in each of its sessions: the session has ended,
# and the thread was recorded, and its last message sent, before that end and before :quiet_since. A time in the future
# or one that is missing keeps it. The ids come as JSON: in pg8000's arrays the text "NULL" is a null.
KNOWN = f"""
SELECT thread."coralThreadId", bool_and(coalesce(
  session."endTime" <= CAST(:ended_before AS timestamp)
  AND thread."createdAt" < least(session."endTime", CAST(:quiet_since AS timestamp))
  AND coalesce({_NEWEST_MESSAGE.format(thread="thread")} < least(session."endTime", CAST(:quiet_since AS timestamp)),
               true),
  false))
FROM json_array_elements_text(CAST(:ids AS json)) AS asked (id)
JOIN public."Thread" AS thread ON thread."coralThreadId" = asked.id
LEFT JOIN public."Session" AS session ON session."id" = thread."sessionId"
GROUP BY thread."coralThreadId"
"""  # noqa: S608

# Every pool of which there is a session, through the index: from one name to the next larger.
_POOLS = """
WITH RECURSIVE found AS (
  SELECT (SELECT min("coralSessionId") FROM public."Session") AS pool
  UNION ALL
  SELECT (SELECT min("coralSessionId") FROM public."Session" WHERE "coralSessionId" > found.pool)
  FROM found WHERE found.pool IS NOT NULL
)
SELECT pool FROM (SELECT pool FROM found LIMIT :most) AS first WHERE length(pool) <= 200
"""


class ThreadRecords:
    """The database's knowledge of threads, for several workers: one question at a time.

    Args:
        ended_before: sessions that ended later count as open.
        quiet_since: threads that were recorded or had a message since then are not over.
    """

    def __init__(self, reader: Reader, *, ended_before: datetime, quiet_since: datetime) -> None:
        self._reader = reader
        self._times = {"ended_before": ended_before, "quiet_since": quiet_since}
        self._lock = threading.Lock()

    def known(self, threads: Sequence[str]) -> dict[str, bool]:
        """Return, for each of these ids (at most MAX_IDS) that the database has, whether the thread is over."""
        with self._lock:
            rows = self._reader.rows(KNOWN, ids=json.dumps(threads), **self._times)
        return {str(thread): bool(is_over) for thread, is_over in rows}

    def over(self, threads: Sequence[str]) -> Collection[str]:
        """Return those that the database has and that are over."""
        return {thread for thread, is_over in self.known(threads).items() if is_over}

    def over_or_unknown(self, threads: Sequence[str]) -> Collection[str]:
        """Return those that are over, and those that the database does not have."""
        known = self.known(threads)
        return {thread for thread in threads if known.get(thread, True)}


def pools_of_sessions(reader: Reader, *, most: int) -> list[str]:
    """Return the pools of which the table has a session, at most so many."""
    return [pool for (pool,) in reader.rows(_POOLS, most=most)]
