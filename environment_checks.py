"""What is allowed in an environment: each check names the field, the value and what is allowed."""

import re
from typing import TYPE_CHECKING

from application import CANDIDATE_PREFIX, FIVE_POOLS, ONE_POOL, WALLETS, check_containers
from aws_limits import DATABASE_SIZES, FARGATE_MEMORY_MIB, LOG_RETENTION_DAYS, regions
from environment_parts import MAX_CONNECTIONS_PERCENT
from validation import (
    is_private_network,
    require,
    require_between,
    require_match,
    require_one_of,
    require_unique,
)

if TYPE_CHECKING:
    from environment import Environment


def check_place(chosen: "Environment") -> None:
    """Raise ConfigurationError unless its names, regions and addresses can be."""
    require_match(chosen, "name", r"[a-z][a-z0-9]{1,19}", "2 to 20 lower-case letters and digits")
    require_match(chosen, "account", r"\d{12}", "12 digits")
    known = regions()
    for field in ("home_region", "recovery_region", "region"):
        require_one_of(chosen, field, known)
    is_other = chosen.recovery_region != chosen.home_region
    require(chosen, "recovery_region", is_other, f"a region other than home_region ({chosen.home_region})")
    if chosen.domain is not None:
        label = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
        pattern = rf"(?=.{{4,253}}$)({label}\.)+[a-z]{{2,63}}"
        require_match(chosen, "domain", pattern, "a lower-case domain name such as pardon.example.com")
    if chosen.hosted_zone_id is not None:
        require_match(chosen, "hosted_zone_id", r"Z[A-Z0-9]{1,31}", "Z and up to 31 of A-Z and 0-9")
        require(chosen, "domain", chosen.domain is not None, "set when hosted_zone_id is")
    if chosen.standby_load_balancer:
        is_useful = chosen.recovery != "none" and chosen.hosted_zone_id is not None
        require(chosen, "standby_load_balancer", is_useful, "False without recovery and hosted_zone_id")
    if chosen.is_standby:
        allowed = f"{chosen.recovery_region} or {chosen.home_region}, with recovery, when -c standby=true is given"
        require(chosen, "region", chosen.receives_copies or chosen.sends_copies, allowed)
    require_match(
        chosen,
        "alarm_emails",
        r"[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}",
        "a tuple of addresses such as operator@example.com",
    )
    require_unique(chosen, "alarm_emails")
    if chosen.runbook_url is not None:
        allowed = "at most 200 characters of an https:// URL without '#', such as https://example.com/runbook.md"
        require_match(chosen, "runbook_url", r"(?=.{1,200}$)https://[A-Za-z0-9.-]+(:\d+)?(/[^\s#]*)?", allowed)
    require_between(chosen, "max_error_lines", 1, 100_000)
    is_known = chosen.wallets.keys() <= WALLETS.keys()
    require(chosen, "wallets", is_known, f"addresses by owner, one of {', '.join(WALLETS)}")
    # https://solana.com/docs/core/accounts
    are_addresses = all(re.fullmatch(r"[1-9A-HJ-NP-Za-km-z]{32,44}", str(one)) for one in chosen.wallets.values())
    require(chosen, "wallets", are_addresses, "Solana addresses of 32 to 44 letters and digits, no 0, O, I or l")
    is_network = is_private_network(chosen.vpc_cidr, min_prefix=16, max_prefix=24)
    require(chosen, "vpc_cidr", is_network, "a private IPv4 network from /16 to /24, such as 10.0.0.0/16")
    # Two zones; without a gateway the tasks reach neither their images nor OpenAI.
    require_between(chosen, "nat_gateways", 1, 2)


def check_service(chosen: "Environment") -> None:
    """Raise ConfigurationError unless its tasks can run, and be scaled."""
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageIdentifier.html
    pattern = rf"(?!{CANDIDATE_PREFIX})[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}"
    allowed = f"1 to 128 of A-Z, a-z, 0-9, '.', '_', '-', not beginning with '.', '-' or {CANDIDATE_PREFIX!r}"
    require_match(chosen, "image_tag", pattern, allowed)
    require_one_of(chosen, "task_cpu", FARGATE_MEMORY_MIB)
    first, last, step = FARGATE_MEMORY_MIB[chosen.task_cpu]
    sizes = range(first, last + 1, step)
    allowed = f"from {first} to {last} in steps of {step} when task_cpu is {chosen.task_cpu}"
    require(chosen, "task_memory_mib", chosen.task_memory_mib in sizes, allowed)
    require_one_of(chosen, "architecture", ("X86_64", "ARM64"))
    check_containers(chosen.containers, chosen.task_memory_mib)
    require_one_of(chosen, "pools", (ONE_POOL, FIVE_POOLS))  # the site knows no others
    require_between(chosen, "thread_grace_seconds", 1, 300)
    require_between(chosen, "min_tasks", 1, 100)
    require_between(chosen, "max_tasks", 1, 100)
    require(chosen, "max_tasks", chosen.max_tasks >= chosen.min_tasks, f"at least min_tasks ({chosen.min_tasks})")
    require_between(chosen, "cpu_target_percent", 10, 95)
    require_between(chosen, "memory_target_percent", 10, 95)
    require_between(chosen, "fargate_weight", 0, 1000)
    require_between(chosen, "spot_weight", 0, 1000)
    has_weight = chosen.fargate_weight + chosen.spot_weight > 0
    require(chosen, "fargate_weight", has_weight, "above 0 when spot_weight is 0")
    if chosen.is_protected:
        require(chosen, "spot_weight", chosen.spot_weight == 0, "0 in a protected environment")
        require(chosen, "off_hours", chosen.off_hours is None, "None in a protected environment")


def check_data(chosen: "Environment") -> None:
    """Raise ConfigurationError unless its database, backups, logs and costs can be."""
    require_match(chosen, "database_class", r"db\.[a-z][a-z0-9]*\.[a-z0-9]+", "an RDS class such as db.t4g.medium")
    require_one_of(chosen, "database_class", DATABASE_SIZES)
    require_between(chosen, "storage_gib", 20, 65536)
    require_between(chosen, "max_storage_gib", 20, 65536)
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
    has_room = chosen.max_storage_gib * 10 >= chosen.storage_gib * 11
    require(chosen, "max_storage_gib", has_room, f"at least 10 % above storage_gib ({chosen.storage_gib})")
    # A deployment runs twice the tasks for a while; above 80 % of RDS's limit an alarm fires.
    most = chosen.database.max_connections * MAX_CONNECTIONS_PERCENT // 100 // (2 * chosen.max_tasks)
    allowed = f"from 1 to {most} when max_tasks is {chosen.max_tasks} and database_class {chosen.database_class}"
    require(chosen, "connection_limit", 1 <= chosen.connection_limit <= most, allowed)
    require_between(chosen, "backup_days", 1, 35)
    require_one_of(chosen, "recovery", ("backups", "none"))
    if chosen.backup_lock_days is not None:
        require_between(chosen, "backup_lock_days", 1, 35)  # the daily backups' days
    require_between(chosen, "snapshot_days", 1, 3650)
    require_one_of(chosen, "log_retention_days", LOG_RETENTION_DAYS)
    require_one_of(chosen, "cost_metric", ("UnblendedCost", "AmortizedCost"))
    services = [band.service for band in chosen.cost_bands]
    require(chosen, "cost_bands", len(set(services)) == len(services), "one band for a service")
    if chosen.cost_ceiling_usd is not None:
        require_between(chosen, "cost_ceiling_usd", 1, 1_000_000)
    require_between(chosen, "cost_tolerance_percent", 1, 1000)
    require_between(chosen, "cost_tolerance_usd", 1, 100_000)
