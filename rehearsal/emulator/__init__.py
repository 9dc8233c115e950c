"""AWS on this machine: MiniStack in its own process, with the resource types it refuses added."""
