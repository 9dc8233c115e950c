"""One run of a check at a time: advisory locks of PostgreSQL."""

from zlib import crc32

# All users of the database share the advisory locks; this number, "pard" in ASCII, keeps ours apart.
LOCK_SPACE = 0x70617264


def lock_key(check: str) -> int:
    """Return the key of a check's lock in LOCK_SPACE: an int4 from the check's name, the same in every process."""
    return crc32(check.encode()) - 2**31
