"""Backups and their copies in the recovery region."""
