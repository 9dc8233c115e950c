"""Whether the home region still serves, and what of the recovery region is there already."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from environment import Environment
from procedures.recover.source import RecoveryError

# A region that is lost is asked briefly.
LOST = Config(connect_timeout=4, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 2})
_GONE = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS")
_MOST_SECONDS, _PAUSE_SECONDS = 2 * 60 * 60, 5.0


@dataclass(frozen=True, kw_only=True)
class Home:
    """The home region, as far as it answers.

    Attributes:
        targets: healthy targets of its load balancer; None when AWS does not answer there.
        found: in words.
    """

    targets: int | None
    found: str

    @property
    def serves(self) -> bool:
        """Its site has tasks that answer, so that a recovery would make a second application with other data."""
        return bool(self.targets)


def look_at_home(chosen: Environment) -> Home:
    """Ask the home region's load balancer for its healthy targets: the site's name may lead elsewhere by now."""
    client = boto3.client("elbv2", region_name=chosen.home_region, config=LOST)
    try:
        balancers = client.describe_load_balancers(Names=[chosen.names.load_balancer])["LoadBalancers"]
        groups = client.describe_target_groups(LoadBalancerArn=balancers[0]["LoadBalancerArn"])["TargetGroups"]
        states = [
            target["TargetHealth"]["State"]
            for group in groups
            for target in client.describe_target_health(TargetGroupArn=group["TargetGroupArn"])[
                "TargetHealthDescriptions"
            ]
        ]
    except client.exceptions.LoadBalancerNotFoundException:
        return Home(targets=0, found=f"{chosen.home_region} has no load balancer {chosen.names.load_balancer}")
    except (BotoCoreError, ClientError) as error:
        return Home(targets=None, found=f"AWS does not answer in {chosen.home_region}: {error}")
    healthy = states.count("healthy")
    return Home(targets=healthy, found=f"{healthy} of {len(states)} targets in {chosen.home_region} are healthy")


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
    try:
        rds.describe_db_instances(DBInstanceIdentifier=chosen.names.database)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("DBInstanceNotFound", "DBInstanceNotFoundFault"):
            raise
        return False
    return True
