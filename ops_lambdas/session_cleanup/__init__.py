"""Session cleanup: ends idle sessions, and closes their threads on every task."""
