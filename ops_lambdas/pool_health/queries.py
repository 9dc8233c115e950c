"""SQL of pool health; names are quoted because Prisma created them in CamelCase."""

# One row for each pool in which an open session was found: pool, active threads and sessions, stuck threads
# and sessions, minutes since the oldest open session began; then how many inactive sessions were read, and
# how many minutes the last of those had been inactive. Without such a pool there is one row whose pool is
# null. Times are UTC without a zone, so the database's clock is read in UTC.
#
# The index on "lastActivityAt" finds all active sessions. No index finds the open ones among the inactive:
# that would mean reading every session that ever ended. So the query reads the inactive ones newest first,
# at most :inactive_limit, and returns how far back that went.
#
# Threads are counted for each open session through the index on "sessionId"; for a plain join the planner
# may prefer to read the whole table, which grows with every session.
POOLS = """
WITH inactive AS MATERIALIZED (
  SELECT "id", "coralSessionId", "startTime", "lastActivityAt", "endTime" FROM "Session"
  WHERE "lastActivityAt" < (now() AT TIME ZONE 'UTC') - make_interval(mins => :active_minutes)
  ORDER BY "lastActivityAt" DESC
  LIMIT :inactive_limit
),
open AS (
  SELECT "id", "coralSessionId", "startTime", true AS is_active, false AS is_stuck FROM "Session"
  WHERE "endTime" IS NULL
    AND "lastActivityAt" >= (now() AT TIME ZONE 'UTC') - make_interval(mins => :active_minutes)
  UNION ALL
  SELECT "id", "coralSessionId", "startTime", false,
         "lastActivityAt" < (now() AT TIME ZONE 'UTC') - make_interval(mins => :stuck_minutes)
  FROM inactive WHERE "endTime" IS NULL
),
pools AS (
  SELECT open."coralSessionId" AS pool,
         coalesce(sum(threads.open) FILTER (WHERE is_active), 0)::bigint AS active_threads,
         count(*) FILTER (WHERE is_active) AS active_sessions,
         coalesce(sum(threads.open) FILTER (WHERE is_stuck), 0)::bigint AS stuck_threads,
         count(*) FILTER (WHERE is_stuck) AS stuck_sessions,
         floor(extract(epoch FROM (now() AT TIME ZONE 'UTC') - min("startTime")) / 60)::bigint AS oldest_minutes
  FROM open
  CROSS JOIN LATERAL (
    SELECT count(*) AS open FROM "Thread" WHERE "Thread"."sessionId" = open."id"
  ) AS threads
  GROUP BY open."coralSessionId"
),
looked AS (
  SELECT count(*) AS inactive_read,
         floor(extract(epoch FROM (now() AT TIME ZONE 'UTC') - min("lastActivityAt")) / 60)::bigint AS back_minutes
  FROM inactive
)
SELECT pools.*, looked.* FROM looked LEFT JOIN pools ON true
"""
