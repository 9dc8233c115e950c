"""SQL of session cleanup; names are quoted because Prisma created them in CamelCase.

Times are UTC, without a zone or with one: the connection's time zone is UTC.
"""

from ops_lambdas.shared.thread_records import NEWEST_OF_SESSION

# Read once a run: sessions that become idle later are left for the next run.
IDLE_SINCE = "SELECT (now() AT TIME ZONE 'UTC') - make_interval(mins => :minutes)"

# What was ended until now counts as ended.
NOW = "SELECT now() AT TIME ZONE 'UTC'"

_SINCE = "CAST(:idle_since AS timestamp)"
_STALE = f'session."endTime" IS NULL AND session."lastActivityAt" < {_SINCE}'
# The columns alone end conversations under way: nothing in the session's threads may be younger, either.
_IS_SILENT = f"coalesce({NEWEST_OF_SESSION.format(session='session')} < {_SINCE}, true)"

# No index finds the open sessions: a search for the stale ones reads all that ever ended, so a run searches once. A
# row for each batch, oldest sessions first: whether they are silent, how many, and the places (ctid) of their rows;
# of those that are not, only how many. Reading by ctid is fastest, but a ctid may be wrong later: a row moves when it
# is updated, and another may take its place.
STALE_BATCHES = f"""
WITH stale AS MATERIALIZED (
  SELECT ctid AS place, session."lastActivityAt" AS idle_since, {_IS_SILENT} AS is_silent
  FROM public."Session" AS session WHERE {_STALE}
)
SELECT is_silent, count(*), CASE WHEN is_silent THEN CAST(array_agg(place) AS text) END
FROM (
  SELECT is_silent, place,
         (row_number() OVER (PARTITION BY is_silent ORDER BY idle_since) - 1) / CAST(:batch_sessions AS int) AS batch
  FROM stale
) AS numbered
GROUP BY is_silent, batch ORDER BY is_silent, batch
"""  # noqa: S608 - the condition is ours

# The default of 4, for spinning disks, makes the planner read a whole table for a batch; gp3 is not a spinning disk.
PRICE_PAGES = "SET random_page_cost = 1.1"

# Locks what is still stale at these places, and returns where. A session that somebody has locked is skipped, also
# while a thread is added to it; from now on nobody adds one.
LOCK = f"""
SELECT CAST(array_agg(place) AS text) FROM (
  SELECT ctid AS place FROM public."Session" AS session
  WHERE ctid = ANY(CAST(:places AS tid[])) AND {_STALE}
  FOR UPDATE SKIP LOCKED
) AS locked
"""  # noqa: S608

# Ends what is silent of it, with threads and messages as they are now that it is locked. `now()` is the start of the
# transaction, which TIMESTAMP(3) would round up into the future. Threads are looked up one session at a time through
# their index; otherwise the planner may read the whole table for each batch. Names are cut where they are unusable.
END = f"""
WITH ended AS (
  UPDATE public."Session" AS session SET "endTime" = date_trunc('milliseconds', now() AT TIME ZONE 'UTC')
  WHERE ctid = ANY(CAST(:places AS tid[])) AND {_STALE} AND {_IS_SILENT}
  RETURNING "id", "coralSessionId"
)
SELECT left(ended."coralSessionId", 201), count(*), json_agg(threads.ids)
FROM ended
CROSS JOIN LATERAL (
  SELECT json_agg(left("coralThreadId", 201)) AS ids FROM public."Thread" WHERE "sessionId" = ended."id"
) AS threads
GROUP BY 1
"""  # noqa: S608

# A row for each pool, by the beginning of its name; without one where none is stale.
COUNT_STALE = f"""
WITH stale AS MATERIALIZED (
  SELECT left(session."coralSessionId", 200) AS pool, {_IS_SILENT} AS is_silent,
         (SELECT count(*) FROM public."Thread" WHERE "sessionId" = session."id") AS held
  FROM public."Session" AS session WHERE {_STALE}
)
SELECT pool, count(*) FILTER (WHERE is_silent), coalesce(sum(held) FILTER (WHERE is_silent), 0)::bigint,
       count(*) FILTER (WHERE NOT is_silent)
FROM stale GROUP BY pool ORDER BY pool
"""  # noqa: S608
