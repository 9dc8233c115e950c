"""Whether the other region still serves, and what of a region is there already."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from environment import Environment
from procedures.findings import CLIENT
from procedures.recover.source import RecoveryError

# A region that is lost is asked briefly.
LOST = Config(connect_timeout=4, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 2})
_GONE = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS")
_MOST_SECONDS, _STOP_SECONDS, _PAUSE_SECONDS = 2 * 60 * 60, 600, 5.0


def expect_place(chosen: Environment) -> None:
    """Raise RecoveryError unless it is one of the two regions of an environment with recovery."""
    if not (chosen.receives_copies or chosen.sends_copies):
        raise RecoveryError(
            f"REGION must be {chosen.recovery_region} or {chosen.home_region} of an environment with recovery, "
            f"got {chosen.region} with recovery {chosen.recovery!r}"
        )


@dataclass(frozen=True, kw_only=True)
class Other:
    """The other region, as far as it answers.

    Attributes:
        targets: healthy targets of its load balancer; None when AWS does not answer there.
        found: in words.
    """

    targets: int | None
    found: str

    @property
    def serves(self) -> bool:
        """Its site has tasks that answer."""
        return bool(self.targets)


def look_at(chosen: Environment, region: str) -> Other:
    """Ask a region's load balancer for its healthy targets: the site's name may lead elsewhere by now."""
    client = boto3.client("elbv2", region_name=region, config=LOST)
    try:
        balancers = client.describe_load_balancers(Names=[chosen.names.load_balancer])["LoadBalancers"]
        groups = client.describe_target_groups(LoadBalancerArn=balancers[0]["LoadBalancerArn"])["TargetGroups"]
        health = [client.describe_target_health(TargetGroupArn=one["TargetGroupArn"]) for one in groups]
    except client.exceptions.LoadBalancerNotFoundException:
        return Other(targets=0, found=f"{region} has no load balancer {chosen.names.load_balancer}")
    except (BotoCoreError, ClientError) as error:
        return Other(targets=None, found=f"AWS does not answer in {region}: {error}")
    states = [target["TargetHealth"]["State"] for one in health for target in one["TargetHealthDescriptions"]]
    return Other(
        targets=states.count("healthy"),
        found=f"{states.count('healthy')} of {len(states)} targets in {region} are healthy",
    )


def stop(chosen: Environment, region: str, *, sleep: Callable[[float], None] = time.sleep) -> str:
    """Stop the application's tasks in a region, and keep autoscaling from starting others; return what was stopped.

    Raises:
        RecoveryError: some still run after ten minutes.
        BotoCoreError, ClientError: AWS cannot be asked there.
    """
    cluster, service = chosen.names.cluster, chosen.names.service
    ecs = boto3.client("ecs", region_name=region, config=CLIENT)
    found = ecs.describe_services(cluster=cluster, services=[service])["services"]
    if not any(one["status"] == "ACTIVE" for one in found):
        return f"no service in {region}"
    boto3.client("application-autoscaling", region_name=region, config=CLIENT).register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/{cluster}/{service}",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=0,
        MaxCapacity=0,
    )
    ecs.update_service(cluster=cluster, service=service, desiredCount=0)
    until = time.monotonic() + _STOP_SECONDS
    while ecs.describe_services(cluster=cluster, services=[service])["services"][0]["runningCount"]:
        if time.monotonic() > until:
            raise RecoveryError(f"tasks of {service} in {region} still run after {_STOP_SECONDS / 60:.0f} minutes")
        sleep(_PAUSE_SECONDS)
    return f"no task runs in {region}"


def stacks(cloudformation: Any, chosen: Environment) -> dict[str, str]:
    """The status of each stack of the environment that is in the region, by its name."""
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    found = {one["StackName"]: one["StackStatus"] for page in pages for one in page["Stacks"]}
    return {name: found[name] for name in chosen.names.stacks if found.get(name, _GONE[0]) not in _GONE}


def settle(cloudformation: Any, chosen: Environment, *, sleep: Callable[[float], None] = time.sleep) -> str:
    """Wait until no stack is being changed: a deployment that lost its shell goes on in AWS.

    Raises:
        RecoveryError: it takes longer than two hours.
    """
    until = time.monotonic() + _MOST_SECONDS
    while True:
        changing = [name for name, status in stacks(cloudformation, chosen).items() if status.endswith("_IN_PROGRESS")]
        if not changing:
            return "none"
        if time.monotonic() > until:
            raise RecoveryError(f"{', '.join(changing)}: still being changed; look at its events")
        sleep(_PAUSE_SECONDS)


def has_database(rds: Any, chosen: Environment) -> bool:
    """Whether the database is in the region, in whatever state."""
    return _database(rds, chosen) is not None


def has_second_database(rds: Any, chosen: Environment) -> bool:
    """Whether the database has, or is being given, an instance in a second zone or a replica."""
    found = _database(rds, chosen) or {}
    is_multi_az = found.get("MultiAZ") or found.get("PendingModifiedValues", {}).get("MultiAZ")
    return bool(is_multi_az or found.get("ReadReplicaDBInstanceIdentifiers"))


def _database(rds: Any, chosen: Environment) -> dict[str, Any] | None:
    try:
        answer = rds.describe_db_instances(DBInstanceIdentifier=chosen.names.database)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("DBInstanceNotFound", "DBInstanceNotFoundFault"):
            raise
        return None
    found: dict[str, Any] = answer["DBInstances"][0]
    return found
