"""The application's migrations in a deployment: what its state machine does beside running tasks and a snapshot."""
