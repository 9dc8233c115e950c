"""What pool health asks the database; names are quoted because Prisma made them in CamelCase."""

# One row for each pool with an active session: pool, threads, sessions. Times are UTC without a zone,
# so the database's clock is read in UTC whatever the session's zone is.
#
# The range on "lastActivityAt" lets its index leave out what ended before the last hour. Threads are
# counted once for each active session through the index on "sessionId"; as a plain join the planner
# may prefer to read the whole table, which grows with every session that ever was.
ACTIVE_BY_POOL = """
SELECT active."coralSessionId", sum(threads.open)::bigint, count(*)
FROM "Session" AS active
CROSS JOIN LATERAL (
  SELECT count(*) AS open FROM "Thread" WHERE "Thread"."sessionId" = active."id"
) AS threads
WHERE active."endTime" IS NULL
  AND active."lastActivityAt" >= (now() AT TIME ZONE 'UTC') - make_interval(mins => :minutes)
GROUP BY active."coralSessionId"
"""
