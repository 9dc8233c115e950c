"""Logical dumps of the database, and their restore: one-off tasks, each of two containers that share a volume."""
