"""The machine that a rehearsal runs on: its processes, addresses, folders and environment variables."""
