"""The parts of an environment that constructs take instead of the whole."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aws_limits import BYTES_A_CONNECTION, MAX_CONNECTIONS
from validation import check_types, require, require_between

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


@dataclass(frozen=True, kw_only=True)
class OffHours:
    """When the service runs no task: off at `stop_hour`, on again at `start_hour` of each of `start_days`."""

    stop_hour: int
    start_hour: int
    start_days: tuple[str, ...] = DAYS[:5]
    time_zone: str = "Etc/UTC"

    def __post_init__(self) -> None:
        require_between(self, "stop_hour", 0, 23)
        require_between(self, "start_hour", 0, 23)
        require(self, "start_hour", self.start_hour != self.stop_hour, f"other than stop_hour ({self.stop_hour})")
        require(
            self,
            "start_days",
            bool(self.start_days) and set(self.start_days) <= set(DAYS),
            f"some of {', '.join(DAYS)}",
        )
        require(self, "time_zone", _is_time_zone(self.time_zone), "an IANA time zone such as Europe/Berlin")


@dataclass(frozen=True, kw_only=True)
class CostBand:
    """What a service may cost a month, in USD."""

    service: str
    min_usd: float
    max_usd: float

    def __post_init__(self) -> None:
        require(self, "min_usd", self.min_usd >= 0, "at least 0")
        require(self, "max_usd", self.max_usd >= self.min_usd, f"at least min_usd ({self.min_usd})")


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """How many tasks run, and on what capacity; each value is the environment's of the same name."""

    min_tasks: int
    max_tasks: int
    cpu_target_percent: int
    memory_target_percent: int
    fargate_weight: int
    spot_weight: int
    off_hours: OffHours | None


@dataclass(frozen=True, kw_only=True)
class Dumps:
    """The logical dumps of the database.

    Attributes:
        dump_days: how long each is kept.
        dump_lock_days: nobody deletes a dump before; who may bypass governance retention can. None: without that lock.
        is_weekly: one is made each week, beside those of `make dump`.
    """

    dump_days: int
    dump_lock_days: int | None
    is_weekly: bool

    def __post_init__(self) -> None:
        check_types(self)
        require_between(self, "dump_days", 1, 3650)
        if self.dump_lock_days is not None:
            require_between(self, "dump_lock_days", 1, self.dump_days)


MAX_CONNECTIONS_PERCENT = 80  # of RDS's limit; above that an alarm fires


@dataclass(frozen=True, kw_only=True)
class DatabaseSize:
    """The database's size; each value but the first three is the environment's of the same name.

    Attributes:
        instance_class: RDS's name for it, e.g. "db.t4g.medium".
        vcpus, memory_gib: of that class.
    """

    instance_class: str
    vcpus: int
    memory_gib: int
    storage_gib: int
    max_storage_gib: int
    connection_limit: int
    is_multi_az: bool
    has_replica: bool
    backup_days: int

    @property
    def is_burstable(self) -> bool:
        """Its class has CPU credits."""
        return self.instance_class.startswith("db.t")

    @property
    def max_connections(self) -> int:
        """RDS's default, LEAST(memory in bytes / 9531392, 5000).

        RDS takes the memory that is left after the operating system and itself, up to a tenth less.
        https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
        """
        return min(self.memory_gib * 1024**3 // BYTES_A_CONNECTION, MAX_CONNECTIONS)


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError):
        return False
    return True
