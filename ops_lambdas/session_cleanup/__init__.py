"""Session cleanup: ends sessions that stand idle, and closes their threads on every task."""
