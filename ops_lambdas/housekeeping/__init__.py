"""Housekeeping: how old the secrets are, who hears the alarms, how recent the database's backup is."""
