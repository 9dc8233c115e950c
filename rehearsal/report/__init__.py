"""The report of a rehearsal: facts as they come, and the summary at its end."""
