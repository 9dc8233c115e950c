"""What the checks' role may do: the one list of it. What is taken off the list is revoked by the next run."""

SCHEMA = "public"

# Members read all of pg_stat_*; RDS asks members of rds_iam for a token in place of a password.
MEMBERSHIPS = frozenset({"pg_monitor", "rds_iam"})

# Columns, not tables: who users are, their wallets and scores are not the operations' business. `ctid` is where
# a row is. Locking rows needs the right to update a column, and "endTime" is one.
COLUMNS = {
    ("SELECT", "Session"): ("ctid", "id", "coralSessionId", "startTime", "endTime", "lastActivityAt"),
    ("UPDATE", "Session"): ("endTime",),
    ("SELECT", "Thread"): ("sessionId", "coralThreadId", "createdAt"),
}
