"""PostgreSQL in the place of RDS: its server, binaries, configuration and certificates."""
