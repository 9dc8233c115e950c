"""The runbook's incident levels."""

from enum import IntEnum


class Severity(IntEnum):
    """How bad it is."""

    P1 = 1
    """Complete outage, all users affected."""
    P2 = 2
    """Partial outage, significant impact."""
    P3 = 3
    """Degraded performance."""
    P4 = 4
    """Minor issue."""

    @property
    def summary(self) -> str:
        """The level in a word or two."""
        return {1: "outage", 2: "partial outage", 3: "degraded", 4: "minor"}[self]
