"""SQL of session cleanup; names are quoted because Prisma created them in CamelCase.

Times are UTC without a zone, so the database's clock is read in UTC.
"""

# Read once a run: sessions that become idle later are left for the next run.
IDLE_SINCE = "SELECT (now() AT TIME ZONE 'UTC') - make_interval(mins => :minutes)"

_STALE = '"endTime" IS NULL AND "lastActivityAt" < CAST(:idle_since AS timestamp)'

# No index finds the open sessions: a search for the stale ones reads all that ever ended, so a run searches once. A
# row for each batch, oldest sessions first: how many, and the places (ctid) of their rows. Reading by ctid is
# fastest, but a ctid may be wrong later: a row moves when it is updated, and another may take its place.
STALE_BATCHES = f"""
SELECT count(*), CAST(array_agg(place) AS text)
FROM (
  SELECT ctid AS place, (row_number() OVER (ORDER BY "lastActivityAt") - 1) / CAST(:batch_sessions AS int) AS batch
  FROM "Session" WHERE {_STALE}
) AS stale
GROUP BY batch ORDER BY batch
"""  # noqa: S608 - the condition is ours

# The default of 4, for spinning disks, makes the planner read a whole table for a batch; gp3 is not a spinning disk.
PRICE_PAGES = "SET random_page_cost = 1.1"

# Ends what is still stale at these places. A session that somebody has locked is skipped, also while a thread is
# added to it; the condition is checked again under the row's lock. `now()` is the start of the transaction, which
# TIMESTAMP(3) would round up into the future. Threads are looked up one session at a time through their index;
# otherwise the planner may read the whole table for each batch.
END = f"""
WITH ended AS (
  UPDATE "Session" SET "endTime" = date_trunc('milliseconds', now() AT TIME ZONE 'UTC')
  WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM "Session" WHERE ctid = ANY(CAST(:places AS tid[])) AND {_STALE} FOR UPDATE SKIP LOCKED
  )) AND {_STALE}
  RETURNING "id", "coralSessionId"
)
SELECT ended."coralSessionId", count(*), json_agg(threads.ids)
FROM ended
CROSS JOIN LATERAL (
  SELECT json_agg("Thread"."coralThreadId") AS ids FROM "Thread" WHERE "Thread"."sessionId" = ended."id"
) AS threads
GROUP BY ended."coralSessionId"
"""  # noqa: S608

COUNT_STALE = f"""
SELECT stale."coralSessionId", count(*), sum(threads.held)::bigint
FROM "Session" AS stale
CROSS JOIN LATERAL (
  SELECT count(*) AS held FROM "Thread" WHERE "Thread"."sessionId" = stale."id"
) AS threads
WHERE {_STALE}
GROUP BY stale."coralSessionId"
ORDER BY stale."coralSessionId"
"""  # noqa: S608
