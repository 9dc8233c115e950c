"""Thread cleanup: closes threads that Coral holds and the application has forgotten, on every task."""
