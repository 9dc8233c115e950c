"""Dump the database into its bucket, with the row counts of the same moment: `make dump ENV=production`."""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from config import environment
from environment import Environment
from procedures.dump_bucket import Bucket, DumpError, table
from procedures.execution import Machine, follow
from procedures.terminal import Terminal
from validation import ConfigurationError

_STATES = {"Dump": "Dumping and uploading, in a task of its own", "List": "Looking for the dump in the bucket"}


def dump(chosen: Environment, console: Terminal) -> int:
    """Run the state machine of dumps, show what was dumped, and return the exit code.

    Raises:
        BotoCoreError, ClientError: AWS cannot be reached, or refuses.
        DumpError: there is no bucket.
    """
    names, bucket = chosen.names, Bucket(chosen)
    machine = Machine(name=names.dump, log_group=names.dump_log_groups["tasks"], states=_STATES)
    ended = follow(chosen, machine, "{}", partial(console.print, soft_wrap=True))
    if ended.reason:
        console.print(ended.reason, style="red", soft_wrap=True)
        return 1
    made = bucket.dump(json.loads(ended.output)["key"])
    console.print(table(made.key, {"rows": made.rows}))
    days = f"kept {chosen.dumps.dump_days} days"
    console.print(f"{made.described}, in {ended.seconds:.0f} s; {days}: s3://{bucket.name}/{made.key}/", soft_wrap=True)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and dump; 0, 1 when there is no dump, 2 for a bad command line."""
    parser = argparse.ArgumentParser(prog="make dump", description=__doc__)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region")
    arguments = parser.parse_args(argv)
    errors = Terminal(stderr=True)
    try:
        return dump(environment(arguments.environment, region=arguments.region), Terminal())
    except (BotoCoreError, ClientError, ConfigurationError, DumpError) as error:
        errors.print(str(error), style="red", soft_wrap=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
