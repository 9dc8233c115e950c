"""Thread cleanup: closes threads on every task that the application has forgotten."""
