"""Secrets Manager secrets of the application, and their key."""
