"""The only list of the privileges of the checks' role. The next run revokes what is removed from it."""

SCHEMA = "public"

# The extension with the view of the slowest statements, and the schema that it is created in.
STATISTICS, STATISTICS_SCHEMA = "pg_stat_statements", "monitoring"

# Members of pg_monitor read all of pg_stat_*; members of rds_iam log in with a token instead of a password.
MEMBERSHIPS = frozenset({"pg_monitor", "rds_iam"})

# Columns, not tables: operations do not need to know users, wallets, scores and what is said. `ctid` is the place
# of a row. To lock rows, the role needs the right to update a column, here "endTime".
COLUMNS = {
    ("SELECT", "Session"): ("ctid", "id", "coralSessionId", "startTime", "endTime", "lastActivityAt"),
    ("UPDATE", "Session"): ("endTime",),
    ("SELECT", "Thread"): ("id", "sessionId", "coralThreadId", "createdAt"),
    ("SELECT", "Message"): ("threadId", "createdAt", "timestamp"),
}
