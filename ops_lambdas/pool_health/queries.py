"""SQL of pool health; names are quoted because Prisma created them in CamelCase."""

from ops_lambdas.shared.thread_records import NEWEST_OF_SESSION

# One row for each pool in which a session was found that is open or in use: pool, active threads and sessions, sessions
# in use, stuck threads and sessions, minutes since the oldest open session began; then how many inactive sessions were
# read, and how many minutes the last of those had been inactive. Without such a pool there is one row whose pool is
# null. Times are UTC, without a zone or with one: the connection's time zone is UTC.
#
# Active is what the site counts: open, and active by "lastActivityAt". In use is, besides, what has a thread or message
# as young: the application seldom writes "lastActivityAt", and goes on using sessions that have ended. Stuck is what is
# open and has nothing as young as that.
#
# The index on "lastActivityAt" finds all active sessions. No index finds the open ones among the inactive:
# that would mean reading every session that ever ended. So the query reads the inactive ones newest first,
# at most :inactive_limit, and returns how far back that went.
#
# What the application wrote may be anything: of a name the beginning is read, and times that are infinite have no age.
#
# Threads are counted for each open session through the index on "sessionId"; for a plain join the planner
# may prefer to read the whole table, which grows with every session.
POOLS = f"""
WITH clock AS MATERIALIZED (
  SELECT utc, utc - make_interval(mins => :active_minutes) AS active_since,
         utc - make_interval(mins => :stuck_minutes) AS stuck_since
  FROM (SELECT now() AT TIME ZONE 'UTC' AS utc) AS utc
),
inactive AS MATERIALIZED (
  SELECT "id", "coralSessionId", "startTime", "lastActivityAt", "endTime" FROM public."Session"
  WHERE "lastActivityAt" < (SELECT active_since FROM clock)
  ORDER BY "lastActivityAt" DESC
  LIMIT :inactive_limit
),
session AS MATERIALIZED (
  SELECT "id", "coralSessionId", "startTime", "lastActivityAt", "endTime" FROM public."Session"
  WHERE "lastActivityAt" >= (SELECT active_since FROM clock)
  UNION ALL
  SELECT * FROM inactive
),
seen AS MATERIALIZED (
  SELECT session.*, {NEWEST_OF_SESSION.format(session="session")} AS newest FROM session
),
judged AS (
  SELECT "id", left("coralSessionId", 200) AS pool, "startTime", "endTime" IS NULL AS is_open,
         "endTime" IS NULL AND "lastActivityAt" >= active_since AS is_active,
         "endTime" IS NULL AND greatest("lastActivityAt", newest) < stuck_since AS is_stuck,
         CASE WHEN "endTime" IS NULL THEN greatest("lastActivityAt", newest) >= active_since
              ELSE coalesce(newest >= active_since AND newest > "endTime", false) END AS is_in_use
  FROM seen, clock
),
pools AS (
  SELECT judged.pool,
         coalesce(sum(threads.held) FILTER (WHERE is_active), 0)::bigint AS active_threads,
         count(*) FILTER (WHERE is_active) AS active_sessions,
         count(*) FILTER (WHERE is_in_use) AS sessions_in_use,
         coalesce(sum(threads.held) FILTER (WHERE is_stuck), 0)::bigint AS stuck_threads,
         count(*) FILTER (WHERE is_stuck) AS stuck_sessions,
         floor(extract(epoch FROM (SELECT utc FROM clock)
                       - min("startTime") FILTER (WHERE is_open AND isfinite("startTime"))) / 60)::bigint
           AS oldest_minutes
  FROM judged
  CROSS JOIN LATERAL (
    SELECT count(*) AS held FROM public."Thread" AS thread WHERE thread."sessionId" = judged."id"
  ) AS threads
  WHERE is_open OR is_in_use
  GROUP BY judged.pool
),
looked AS (
  SELECT count(*) AS inactive_read,
         floor(extract(epoch FROM (SELECT utc FROM clock)
                       - min("lastActivityAt") FILTER (WHERE isfinite("lastActivityAt"))) / 60)::bigint
           AS back_minutes
  FROM inactive
)
SELECT pools.*, looked.* FROM looked LEFT JOIN pools ON true
"""  # noqa: S608 - the tables are ours
