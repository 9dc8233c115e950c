"""Sections of docs/runbook.md that have a title of their own; an alarm's section has the alarm's name."""

OUTAGE = "P1: Complete Service Outage"
ERROR_RATE = "P2: High Error Rate"
LATENCY = "P3: High Latency"
UNHEALTHY_POOL = "P4: Unhealthy Pool"

# For the alarms that every check has.
CHECK_FAILED, CHECK_NOT_RUNNING = "p4-check-failed", "p4-check-not-running"
