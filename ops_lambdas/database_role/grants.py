"""The only list of the privileges of the checks' role. The next run revokes what is removed from it."""

from ops_lambdas.shared.contents import HEARTBEAT_SCHEMA, HEARTBEAT_TABLE

SCHEMA = "public"

# The extension with the view of the slowest statements, and the schema that it is created in.
STATISTICS, STATISTICS_SCHEMA = "pg_stat_statements", "monitoring"

# Members of pg_monitor read all of pg_stat_*; members of rds_iam log in with a token instead of a password.
MEMBERSHIPS = frozenset({"pg_monitor", "rds_iam"})

# Columns, not tables: operations do not need to know names, wallets, scores and what is said. Users are counted, and
# recognised by their ids in a restored backup. `ctid` is the place of a row. To lock rows, the role needs the right to
# update a column, here "endTime".
COLUMNS = {
    ("SELECT", "Session"): ("ctid", "id", "coralSessionId", "startTime", "endTime", "lastActivityAt"),
    ("UPDATE", "Session"): ("endTime",),
    ("SELECT", "Thread"): ("id", "sessionId", "coralThreadId", "createdAt"),
    ("SELECT", "Message"): ("id", "threadId", "createdAt", "timestamp"),
    ("SELECT", "User"): ("id", "createdAt"),
}

# The heartbeat, in a schema of ours: its column that is written each hour.
HEARTBEAT = (HEARTBEAT_SCHEMA, HEARTBEAT_TABLE, "beat_at")
