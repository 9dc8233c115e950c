"""Backup record: writes the heartbeat and what the database holds, for the test that restores a backup of it."""
