"""Secret deployment: replaces the tasks, once, when a secret has changed that they read when they started."""
