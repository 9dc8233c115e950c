"""Housekeeping: the age of the secrets, the subscribers of the alarm topic, the age of the database's backup."""
