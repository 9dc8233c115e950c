"""An environment: every value that an operator chooses, checked when it is created.

A bad value raises `ConfigurationError`, whose message names the field, the value and what is allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from application import DATABASE_SECRET, Container
from aws_limits import DATABASE_SIZES
from environment_checks import check_data, check_place, check_service
from environment_parts import CostBand, DatabaseSize, Dumps, OffHours, Scaling
from names import Names
from validation import ConfigurationError, check_types

RUNBOOK_PATH = "docs/runbook.md"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment: everything that an operator chooses.

    Attributes:
        region: where it is deployed; `home_region` unless chosen otherwise for a deployment.
        recovery_region: where it is rebuilt after a disaster.
        recovery: "backups": the database's backups, the secrets and the images are copied to recovery_region, where
            `make standby` has made what they need; or "none".
        is_standby: only what must be there before a disaster is deployed; of the home region, before it is recovered.
        standby_load_balancer: also the load balancer and the site's record, so that the name moves without anybody.
        backup_lock_days: the vaults refuse a backup that would be deleted earlier, and nobody deletes one before; None:
            without that lock.
        domain: the site's name; without one the site answers over plain HTTP under the load balancer's name.
        hosted_zone_id: Route 53's zone of `domain`; without one the records are created by hand elsewhere.
        alarm_emails: each is subscribed to the alarm topic.
        runbook_url: where operators read docs/runbook.md, e.g. its page at the repository's host; an alarm's
            email links to its section there. Without one the email names the file.
        wallets: public addresses of the wallets, by their owner in `application.WALLETS`; not secret. Without one no
            payment to it arrives.
        max_error_lines: lines with ERROR that the application usually stays below in five minutes.
        is_protected: deletion protection everywhere, data retained; neither Spot nor off-hours.
        task_cpu, task_memory_mib: a size that Fargate offers, in CPU units (1024 are one vCPU) and MiB.
        architecture: "X86_64" or "ARM64", which the tasks run on and every image must be for; ARM64 costs a fifth less.
        cpu_target_percent, memory_target_percent: the averages that autoscaling maintains.
        fargate_weight, spot_weight: how tasks are divided between Fargate and Fargate Spot.
        storage_gib, max_storage_gib: the database's initial storage, and the maximum of its autoscaling.
        snapshot_days: how long a snapshot of `make snapshot` is kept.
        dumps: how long the dumps of `make dump` are kept, and whether one is made each week.
        cost_metric: "UnblendedCost" or "AmortizedCost", which costs are reported in.
        cost_bands: what the runbook gives a service, shown beside its cost and list price.
        cost_ceiling_usd: an alarm fires when a month is forecast to cost more; None: without that alarm.
        cost_tolerance_percent, cost_tolerance_usd: an alarm fires when a service costs more than its list price by
            more than both.
        connection_limit: connections to the database that each task's site may open.
        pools: Coral sessions that the application is configured with, ONE_POOL or FIVE_POOLS of `application.py`.
        thread_grace_seconds: thread cleanup closes no thread that is younger, or that ended more recently.
    """

    name: str
    account: str
    home_region: str
    recovery_region: str
    recovery: str
    standby_load_balancer: bool
    backup_lock_days: int | None
    region: str = ""
    is_standby: bool = False
    domain: str | None
    hosted_zone_id: str | None
    alarm_emails: tuple[str, ...]
    runbook_url: str | None
    wallets: Mapping[str, str]
    max_error_lines: int
    is_protected: bool
    image_tag: str
    containers: tuple[Container, ...]
    pools: tuple[str, ...]
    thread_grace_seconds: int
    vpc_cidr: str
    nat_gateways: int
    task_cpu: int
    task_memory_mib: int
    architecture: str
    min_tasks: int
    max_tasks: int
    cpu_target_percent: int
    memory_target_percent: int
    fargate_weight: int
    spot_weight: int
    off_hours: OffHours | None
    database_class: str
    storage_gib: int
    max_storage_gib: int
    connection_limit: int
    is_multi_az: bool
    has_replica: bool
    backup_days: int
    snapshot_days: int
    dumps: Dumps
    log_retention_days: int
    cost_metric: str
    cost_bands: tuple[CostBand, ...]
    cost_ceiling_usd: int | None
    cost_tolerance_percent: int
    cost_tolerance_usd: int

    def __post_init__(self) -> None:
        if not self.region:
            object.__setattr__(self, "region", self.home_region)
        try:
            check_types(self)
            check_place(self)
            check_service(self)
            check_data(self)
        except ConfigurationError as error:
            raise ConfigurationError(f"environment {self.name}: {error}") from None

    @property
    def prefix(self) -> str:
        """The prefix of every name."""
        return f"pardon-{self.name}"

    @property
    def names(self) -> Names:
        """The names of its resources."""
        return Names(self.prefix)

    @property
    def copies_backups(self) -> bool:
        """Whether the database's backups are copied to the recovery region: by the home region, while it serves."""
        return self.sends_copies and not self.is_standby

    @property
    def sends_copies(self) -> bool:
        """Whether it is in the home region of an environment that is recovered elsewhere."""
        return self.recovery == "backups" and self.region == self.home_region

    @property
    def other_region(self) -> str:
        """The home region of the recovery region, and the recovery region of any other."""
        return self.home_region if self.region == self.recovery_region else self.recovery_region

    @property
    def receives_copies(self) -> bool:
        """Whether it is in the recovery region, in standby or recovered, and has what the home region copied there."""
        return self.recovery == "backups" and self.region == self.recovery_region

    @property
    def has_site_record(self) -> bool:
        """Whether the site's DNS record is deployed: where it may be made in a disaster, not one that must be."""
        return self.hosted_zone_id is not None and (self.standby_load_balancer or not self.receives_copies)

    @property
    def dashboard_name(self) -> str:
        """Dashboards belong to the account, not to a region, so another region's has its own name."""
        return self.prefix if self.region == self.home_region else f"{self.prefix}-{self.region}"

    @property
    def runbook(self) -> str:
        """The runbook's URL or path; "#" and an alarm's section are appended."""
        return self.runbook_url or RUNBOOK_PATH

    @property
    def database(self) -> DatabaseSize:
        """The database's size."""
        vcpus, memory_gib = DATABASE_SIZES[self.database_class]
        return DatabaseSize(
            instance_class=self.database_class,
            vcpus=vcpus,
            memory_gib=memory_gib,
            storage_gib=self.storage_gib,
            max_storage_gib=self.max_storage_gib,
            connection_limit=self.connection_limit,
            is_multi_az=self.is_multi_az,
            has_replica=self.has_replica,
            backup_days=self.backup_days,
        )

    @property
    def scaling(self) -> Scaling:
        """How many tasks run, and on what capacity."""
        return Scaling(
            min_tasks=self.min_tasks,
            max_tasks=self.max_tasks,
            cpu_target_percent=self.cpu_target_percent,
            memory_target_percent=self.memory_target_percent,
            fargate_weight=self.fargate_weight,
            spot_weight=self.spot_weight,
            off_hours=self.off_hours,
        )

    @property
    def load_balanced(self) -> Container:
        """The container that the load balancer sends requests to."""
        return next(container for container in self.containers if container.is_load_balanced)

    @property
    def site(self) -> Container | None:
        """The container that uses the database, whose image has the migrations; None when it runs elsewhere."""
        return next((one for one in self.containers if DATABASE_SECRET in one.secrets.values()), None)
