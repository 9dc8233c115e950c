"""SQL of thread cleanup; names are quoted because Prisma created them in CamelCase."""

# How many ids, of at most 200 characters each, one statement looks up.
MAX_IDS = 5000

# Nothing is written here, not even by mistake.
READ_ONLY = "SET default_transaction_read_only = on"

# One row for each known id, with whether it may be closed: all its sessions ended, and all its rows were created,
# longer ago than the grace period. A thread that has a row without a session, or with a time in the
# future, stays open. The ids come as JSON: in pg8000's arrays the text "NULL" is a null. Times are UTC without a zone,
# so the database's clock is read in UTC.
KNOWN = """
SELECT "Thread"."coralThreadId", bool_and(coalesce("Session"."endTime" < settled.before, false)
                                          AND "Thread"."createdAt" < settled.before)
FROM json_array_elements_text(CAST(:ids AS json)) AS asked (id)
CROSS JOIN (
  SELECT (now() AT TIME ZONE 'UTC') - make_interval(secs => CAST(:grace_seconds AS double precision)) AS before
) AS settled
JOIN "Thread" ON "Thread"."coralThreadId" = asked.id
LEFT JOIN "Session" ON "Session"."id" = "Thread"."sessionId"
GROUP BY "Thread"."coralThreadId"
"""
