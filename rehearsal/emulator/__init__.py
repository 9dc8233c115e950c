"""The embedded AWS: MiniStack in its own process; its services are corrected and extended in `services/`."""
