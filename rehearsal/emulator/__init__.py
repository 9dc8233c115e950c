"""The emulated AWS: MiniStack in its own process; its services are corrected and extended in `services/`."""
