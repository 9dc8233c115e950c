"""Take a snapshot of the database before a major change: `make snapshot ENV=production NAME=before-v2 WHY="v2"`.

The check housekeeping deletes it after `snapshot_days` of config.py.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from config import environment
from environment import Environment
from ops_lambdas.housekeeping.core import DELETE_AFTER
from procedures.terminal import Terminal
from validation import ConfigurationError

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# What RDS admits in a tag's value. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.html
_WHY = re.compile(r"[\w .:/=+@-]{1,256}")
_MOST_NAME = 40
_CLIENT = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4})
_PAUSE_SECONDS = 5.0
# The first snapshot of an instance copies all of it; later ones what has changed.
_MOST_SECONDS = 2 * 60 * 60


class SnapshotError(Exception):
    """There is no snapshot, or not yet. The message is for the operator."""


def checked(name: str, why: str) -> None:
    """Raise SnapshotError unless RDS admits both."""
    if not _NAME.fullmatch(name) or len(name) > _MOST_NAME:
        allowed = f"1 to {_MOST_NAME} lower-case letters, digits and single hyphens between them"
        raise SnapshotError(f"NAME must be {allowed}, got {name!r}")
    if not _WHY.fullmatch(why):
        raise SnapshotError(f"WHY must be 1 to 256 letters, digits, blanks and any of .:/=+@_-, got {why!r}")


def take(rds: Any, chosen: Environment, name: str, why: str, now: datetime) -> str:
    """Begin a snapshot of the primary, and return its identifier.

    Raises:
        SnapshotError: RDS refuses, and why.
    """
    database = chosen.names.database
    identifier = f"{database}-{name}-{now:%Y%m%d-%H%M%S}"
    tags = {
        "Project": "pardon",
        "Environment": chosen.name,
        "Why": why,
        DELETE_AFTER: f"{now + timedelta(days=chosen.snapshot_days):%Y-%m-%d}",
    }
    try:
        rds.create_db_snapshot(
            DBInstanceIdentifier=database,
            DBSnapshotIdentifier=identifier,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
    except ClientError as error:
        raise SnapshotError(f"{identifier} cannot be taken: {error.response['Error']['Message']}") from error
    return identifier


def wait(rds: Any, identifier: str, show: Callable[[str], None], *, sleep: Callable[[float], None] = time.sleep) -> int:
    """Wait until a snapshot is available; show its progress, and return its size in GiB.

    Raises:
        SnapshotError: it failed, or takes longer than two hours.
    """
    until = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < until:
        (found,) = rds.describe_db_snapshots(DBSnapshotIdentifier=identifier)["DBSnapshots"]
        status = found["Status"]
        if status == "available":
            return int(found["AllocatedStorage"])
        if status != "creating":
            raise SnapshotError(f"{identifier} is {status}; look at it with: aws rds describe-events --duration 60")
        show(f"{identifier}: {found.get('PercentProgress', 0)} %")
        sleep(_PAUSE_SECONDS)
    raise SnapshotError(f"{identifier} is still being created; it goes on without this command")


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, take the snapshot, wait for it; 0, or 1 when there is none."""
    parser = argparse.ArgumentParser(prog="make snapshot", description=__doc__)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region")
    parser.add_argument("--name", required=True, help="what it is before, e.g. before-v2")
    parser.add_argument("--why", help="kept with it; the name by default")
    arguments = parser.parse_args(argv)
    errors = Terminal(stderr=True)
    now = datetime.now(UTC)
    try:
        chosen = environment(arguments.environment, region=arguments.region)
        why = arguments.name if arguments.why is None else arguments.why
        checked(arguments.name, why)
        rds = boto3.client("rds", region_name=chosen.region, config=_CLIENT)
        with errors.status(f"{chosen.names.database} in {chosen.region} ...") as status:
            identifier = take(rds, chosen, arguments.name, why, now)
            gib = wait(rds, identifier, status.update)
    except (ConfigurationError, SnapshotError) as error:
        errors.print(str(error), style="red")
        return 1
    except (BotoCoreError, ClientError) as error:
        errors.print(f"RDS cannot be asked: {error}", style="red")
        return 1
    days = f"housekeeping deletes it after {chosen.snapshot_days} days"
    Terminal().print(f"{identifier} is available, {gib} GiB; {days}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
