"""The embedded AWS: MiniStack in a process of its own; its services are corrected and extended in `services/`."""
