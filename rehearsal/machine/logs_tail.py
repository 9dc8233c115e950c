"""`aws logs tail` of the AWS CLI v2, which operators have, against the emulated AWS: the installed v1 lacks it."""

import argparse
import os
import re
import sys
from datetime import UTC, datetime, timedelta

import boto3

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def since(text: str) -> datetime:
    """Return the moment so long ago, e.g. "30m"."""
    found = re.fullmatch(r"(\d+)([smhdw])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"must be a number and one of {', '.join(_UNITS)}, got {text!r}")
    return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})


def main() -> int:
    """Read the command line and print the group's lines since then: time, stream and message."""
    parser = argparse.ArgumentParser(prog="aws logs tail", description=__doc__)
    parser.add_argument("group")
    parser.add_argument("--since", type=since, default="10m")
    parser.add_argument("--filter-pattern", default="")
    parser.add_argument("--region", default=os.environ.get("AWS_REGION"))
    parser.add_argument("--endpoint-url", required=True)
    arguments = parser.parse_args()
    logs = boto3.client("logs", region_name=arguments.region, endpoint_url=arguments.endpoint_url)
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=arguments.group,
        filterPattern=arguments.filter_pattern,
        startTime=round(arguments.since.timestamp() * 1000),
    )
    for page in pages:
        for event in page["events"]:
            at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).isoformat(timespec="microseconds")
            print(at, event["logStreamName"], event["message"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
