"""One run of a check at a time, whoever starts it: advisory locks of the database."""

from enum import IntEnum

# Advisory locks are shared by everybody in the database, so ours have a number in front: "pard" in ASCII.
LOCK_SPACE = 0x70617264


class CheckLock(IntEnum):
    """The lock of each check; a number, once given, stays."""

    POOL_HEALTH = 1
    SESSION_CLEANUP = 2
    THREAD_CLEANUP = 3
    DATABASE_ROLE = 4
