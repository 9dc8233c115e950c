"""Cost report: what the month has cost so far and will cost, by e-mail and as metrics."""
