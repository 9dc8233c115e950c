"""PostgreSQL, which is RDS's here: its server, binaries, configuration and certificates."""
