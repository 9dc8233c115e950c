"""The environments, one instance each. An operator changes values here and nowhere else.

`environment.py` has what each value means and what is allowed.
"""

from dataclasses import replace
from types import MappingProxyType

from application import CONTAINERS, FIVE_POOLS, WALLETS
from environment import Environment
from environment_parts import CostBand, Dumps, OffHours
from validation import ConfigurationError

PRODUCTION = Environment(
    name="production",
    account="640080112933",
    home_region="us-east-1",
    recovery_region="us-west-2",
    recovery="backups",
    standby_load_balancer=False,  # it takes hosted_zone_id, and about 20 dollars a month
    backup_lock_days=None,
    domain="pardonsimulator.com",
    hosted_zone_id=None,
    alarm_emails=(),
    runbook_url=None,
    wallets=MappingProxyType({}),  # public addresses, such as {"white-house": "ADDRESS"}
    max_error_lines=20,
    is_protected=True,
    image_tag="v1",
    containers=CONTAINERS,
    pools=FIVE_POOLS,
    thread_grace_seconds=120,
    vpc_cidr="10.0.0.0/16",
    nat_gateways=2,
    task_cpu=2048,
    task_memory_mib=8192,
    architecture="X86_64",  # the public image of the agents has no other
    min_tasks=3,
    max_tasks=10,
    cpu_target_percent=70,
    memory_target_percent=80,
    fargate_weight=1,
    spot_weight=0,
    off_hours=None,
    database_class="db.t4g.medium",
    storage_gib=20,
    max_storage_gib=100,
    connection_limit=10,
    is_multi_az=True,
    has_replica=True,
    backup_days=7,
    snapshot_days=35,
    dumps=Dumps(dump_days=90, dump_lock_days=None, is_weekly=True),
    log_retention_days=90,
    cost_metric="UnblendedCost",
    cost_bands=(
        CostBand(service="Amazon Elastic Container Service", min_usd=30, max_usd=420),
        CostBand(service="Amazon Elastic Load Balancing", min_usd=16, max_usd=16),
        CostBand(service="Amazon Relational Database Service", min_usd=100, max_usd=100),
        CostBand(service="AmazonCloudWatch", min_usd=10, max_usd=10),
        CostBand(service="AWS Data Transfer", min_usd=5, max_usd=20),
        CostBand(service="Total", min_usd=161, max_usd=566),
    ),
    cost_ceiling_usd=730,  # two tasks more than at rest, on average: five are the runbook's 420 dollars of ECS
    cost_tolerance_percent=20,
    cost_tolerance_usd=5,
)
STAGING = replace(
    PRODUCTION,
    name="staging",
    recovery="none",
    domain="staging.pardonsimulator.com",
    wallets=MappingProxyType({}),  # not production's
    is_protected=False,
    nat_gateways=1,
    min_tasks=1,
    max_tasks=3,
    spot_weight=3,
    is_multi_az=False,
    has_replica=False,
    dumps=Dumps(dump_days=30, dump_lock_days=None, is_weekly=False),
    log_retention_days=30,
    cost_bands=(),
    cost_ceiling_usd=240,
)
DEVELOPMENT = replace(
    STAGING,
    name="development",
    domain=None,
    max_tasks=2,
    fargate_weight=0,
    spot_weight=1,
    off_hours=OffHours(stop_hour=20, start_hour=7),
    log_retention_days=7,
    cost_ceiling_usd=190,
)
REHEARSAL = replace(
    PRODUCTION,
    name="rehearsal",
    account="000000000000",
    domain="pardon.example.com",
    hosted_zone_id="ZREHEARSAL",
    standby_load_balancer=True,  # so that the name moves
    alarm_emails=("operator@example.com",),
    runbook_url="https://runbook.example.com/runbook.md",
    wallets=MappingProxyType(dict.fromkeys(WALLETS, "1" * 32)),  # the address of Solana's own program
    is_protected=False,  # so that it can be torn down
    thread_grace_seconds=2,  # so that it does not wait
)
ENVIRONMENTS = {e.name: e for e in (PRODUCTION, STAGING, DEVELOPMENT, REHEARSAL)}


def environment(
    name: str | None,
    *,
    region: str | None = None,
    image_tag: str | None = None,
    shell_region: str | None = None,
    standby: str | None = None,
    database: str | None = None,
) -> Environment:
    """The environment called `name`, in another region or with another version if given.

    Args:
        standby: "true": in its recovery region, unless `region` says otherwise.
        database: "single": its instance alone, without second zone and replica, as a recovery begins (decision 30).
        shell_region: AWS_REGION of the shell. It may be left from other work, so it does not move a protected
            environment: its region is then to be chosen.

    Raises:
        ConfigurationError: unknown environment, region, standby or database, or a malformed tag.
    """
    if name not in ENVIRONMENTS:
        known = ", ".join(ENVIRONMENTS)
        raise ConfigurationError(
            f"environment must be one of {known}, got {name!r}; choose it with -c environment=NAME"
        )
    base = ENVIRONMENTS[name]
    if standby not in (None, "true"):
        raise ConfigurationError(f"standby must be true, or not given, got {standby!r}")
    if database not in (None, "single"):
        raise ConfigurationError(f"database must be single, or not given, got {database!r}")
    if standby and region is None:
        region = base.recovery_region
    if region is None and shell_region is not None:
        if base.is_protected and shell_region != base.home_region:
            raise ConfigurationError(
                f"environment {name}: AWS_REGION={shell_region} is not its home region; choose the region with "
                f"REGION={base.home_region} or REGION={shell_region} (cdk: -c region=...)"
            )
        region = shell_region
    # `is None`, not falsy: an empty value is refused, not replaced by the default.
    return replace(
        base,
        region=base.home_region if region is None else region,
        is_standby=standby is not None,
        image_tag=base.image_tag if image_tag is None else image_tag,
        is_multi_az=base.is_multi_az and database is None,
        has_replica=base.has_replica and database is None,
    )
