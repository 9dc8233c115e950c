"""Cost report: what the month has cost so far and will cost, by email and as metrics."""
