"""Make a region a standby again."""
