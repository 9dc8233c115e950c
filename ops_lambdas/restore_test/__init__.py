"""Restore test: compares a restored backup with the record of what the database held, and looks whether tests run."""
