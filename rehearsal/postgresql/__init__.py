"""PostgreSQL as RDS runs it: its server, binaries, configuration and certificates."""
