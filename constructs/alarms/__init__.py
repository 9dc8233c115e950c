"""The alarm topic, the alarms by severity, what suppresses them, and the commands in their emails."""
