"""An environment: every value that an operator chooses, checked when it is created.

A bad value raises `ConfigurationError`, whose message names the field, the value and what is allowed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from application import (
    CANDIDATE_PREFIX,
    DATABASE_SECRET,
    FIVE_POOLS,
    ONE_POOL,
    WALLETS,
    Container,
    check_containers,
)
from aws_limits import DATABASE_SIZES, FARGATE_MEMORY_MIB, LOG_RETENTION_DAYS, regions
from environment_parts import MAX_CONNECTIONS_PERCENT, CostBand, DatabaseSize, OffHours, Scaling
from names import Names
from validation import (
    ConfigurationError,
    check_types,
    is_private_network,
    require,
    require_between,
    require_match,
    require_one_of,
    require_unique,
)

RUNBOOK_PATH = "docs/runbook.md"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment: everything that an operator chooses.

    Attributes:
        region: where it is deployed; `home_region` unless chosen otherwise for a deployment.
        recovery_region: where it is rebuilt after a disaster.
        recovery: "backups": the database's backups, the secrets and the images are copied to recovery_region, where
            `make standby` has made what they need; or "none".
        is_standby: only what must be there before a disaster is deployed, in recovery_region.
        standby_load_balancer: the standby has the load balancer and the site's record, so that the name moves without
            anybody; with `hosted_zone_id` only.
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
            self._check_place()
            self._check_service()
            self._check_data()
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
        """Whether backups, secrets and images are copied to the recovery region: from the home region only."""
        return self.recovery == "backups" and self.region == self.home_region

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

    def _check_place(self) -> None:
        require_match(self, "name", r"[a-z][a-z0-9]{1,19}", "2 to 20 lower-case letters and digits")
        require_match(self, "account", r"\d{12}", "12 digits")
        known = regions()
        for field in ("home_region", "recovery_region", "region"):
            require_one_of(self, field, known)
        is_other = self.recovery_region != self.home_region
        require(self, "recovery_region", is_other, f"a region other than home_region ({self.home_region})")
        if self.domain is not None:
            label = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
            pattern = rf"(?=.{{4,253}}$)({label}\.)+[a-z]{{2,63}}"
            require_match(self, "domain", pattern, "a lower-case domain name such as pardon.example.com")
        if self.hosted_zone_id is not None:
            require_match(self, "hosted_zone_id", r"Z[A-Z0-9]{1,31}", "Z and up to 31 of A-Z and 0-9")
            require(self, "domain", self.domain is not None, "set when hosted_zone_id is")
        if self.standby_load_balancer:
            is_useful = self.recovery != "none" and self.hosted_zone_id is not None
            require(self, "standby_load_balancer", is_useful, "False without recovery and hosted_zone_id")
        if self.is_standby:
            allowed = f"its recovery_region ({self.recovery_region}), with recovery, when -c standby=true is given"
            require(self, "region", self.receives_copies, allowed)
        require_match(
            self,
            "alarm_emails",
            r"[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}",
            "a tuple of addresses such as operator@example.com",
        )
        require_unique(self, "alarm_emails")
        if self.runbook_url is not None:
            allowed = "at most 200 characters of an https:// URL without '#', such as https://example.com/runbook.md"
            require_match(self, "runbook_url", r"(?=.{1,200}$)https://[A-Za-z0-9.-]+(:\d+)?(/[^\s#]*)?", allowed)
        require_between(self, "max_error_lines", 1, 100_000)
        is_known = self.wallets.keys() <= WALLETS.keys()
        require(self, "wallets", is_known, f"addresses by owner, one of {', '.join(WALLETS)}")
        # https://solana.com/docs/core/accounts
        are_addresses = all(re.fullmatch(r"[1-9A-HJ-NP-Za-km-z]{32,44}", str(one)) for one in self.wallets.values())
        require(self, "wallets", are_addresses, "Solana addresses of 32 to 44 letters and digits, no 0, O, I or l")
        is_network = is_private_network(self.vpc_cidr, min_prefix=16, max_prefix=24)
        require(self, "vpc_cidr", is_network, "a private IPv4 network from /16 to /24, such as 10.0.0.0/16")
        # Two zones; without a gateway the tasks reach neither their images nor OpenAI.
        require_between(self, "nat_gateways", 1, 2)

    def _check_service(self) -> None:
        # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageIdentifier.html
        pattern = rf"(?!{CANDIDATE_PREFIX})[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}"
        allowed = f"1 to 128 of A-Z, a-z, 0-9, '.', '_', '-', not beginning with '.', '-' or {CANDIDATE_PREFIX!r}"
        require_match(self, "image_tag", pattern, allowed)
        require_one_of(self, "task_cpu", FARGATE_MEMORY_MIB)
        first, last, step = FARGATE_MEMORY_MIB[self.task_cpu]
        sizes = range(first, last + 1, step)
        allowed = f"from {first} to {last} in steps of {step} when task_cpu is {self.task_cpu}"
        require(self, "task_memory_mib", self.task_memory_mib in sizes, allowed)
        require_one_of(self, "architecture", ("X86_64", "ARM64"))
        check_containers(self.containers, self.task_memory_mib)
        require_one_of(self, "pools", (ONE_POOL, FIVE_POOLS))  # the site knows no others
        require_between(self, "thread_grace_seconds", 1, 300)
        require_between(self, "min_tasks", 1, 100)
        require_between(self, "max_tasks", 1, 100)
        require(self, "max_tasks", self.max_tasks >= self.min_tasks, f"at least min_tasks ({self.min_tasks})")
        require_between(self, "cpu_target_percent", 10, 95)
        require_between(self, "memory_target_percent", 10, 95)
        require_between(self, "fargate_weight", 0, 1000)
        require_between(self, "spot_weight", 0, 1000)
        has_weight = self.fargate_weight + self.spot_weight > 0
        require(self, "fargate_weight", has_weight, "above 0 when spot_weight is 0")
        if self.is_protected:
            require(self, "spot_weight", self.spot_weight == 0, "0 in a protected environment")
            require(self, "off_hours", self.off_hours is None, "None in a protected environment")

    def _check_data(self) -> None:
        require_match(self, "database_class", r"db\.[a-z][a-z0-9]*\.[a-z0-9]+", "an RDS class such as db.t4g.medium")
        require_one_of(self, "database_class", DATABASE_SIZES)
        require_between(self, "storage_gib", 20, 65536)
        require_between(self, "max_storage_gib", 20, 65536)
        # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
        has_room = self.max_storage_gib * 10 >= self.storage_gib * 11
        require(self, "max_storage_gib", has_room, f"at least 10 % above storage_gib ({self.storage_gib})")
        # A deployment runs twice the tasks for a while; above 80 % of RDS's limit an alarm fires.
        most = self.database.max_connections * MAX_CONNECTIONS_PERCENT // 100 // (2 * self.max_tasks)
        allowed = f"from 1 to {most} when max_tasks is {self.max_tasks} and database_class {self.database_class}"
        require(self, "connection_limit", 1 <= self.connection_limit <= most, allowed)
        require_between(self, "backup_days", 1, 35)
        require_one_of(self, "recovery", ("backups", "none"))
        if self.backup_lock_days is not None:
            require_between(self, "backup_lock_days", 1, 35)  # the daily backups' days
        require_between(self, "snapshot_days", 1, 3650)
        require_one_of(self, "log_retention_days", LOG_RETENTION_DAYS)
        require_one_of(self, "cost_metric", ("UnblendedCost", "AmortizedCost"))
        services = [band.service for band in self.cost_bands]
        require(self, "cost_bands", len(set(services)) == len(services), "one band for a service")
        if self.cost_ceiling_usd is not None:
            require_between(self, "cost_ceiling_usd", 1, 1_000_000)
        require_between(self, "cost_tolerance_percent", 1, 1000)
        require_between(self, "cost_tolerance_usd", 1, 100_000)
