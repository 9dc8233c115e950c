"""Rotation of the secrets that we may replace: the database's two, and those that hold one generated value."""
