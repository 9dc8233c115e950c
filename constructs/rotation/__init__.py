"""Rotation of the secrets that we may replace."""
