"""SQL of thread cleanup."""

# Nothing is written here, not even by mistake.
READ_ONLY = "SET default_transaction_read_only = on"

# A session that ended since then counts as open, and a thread that was recorded or had a message since then as in use.
SETTLED_BEFORE = """
SELECT (now() AT TIME ZONE 'UTC') - make_interval(secs => CAST(:grace_seconds AS double precision))
"""
