"""Run the deployed version's migrations now, and follow their log: `make migrate ENV=production`."""

import argparse
import sys
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from config import environment
from environment import Environment
from procedures.execution import Machine, follow
from procedures.terminal import Terminal
from validation import ConfigurationError

_STATES = {
    "Pending": "Looking for pending migrations",
    "Snapshot": "Making a snapshot first",
    "Migrate": "Running prisma migrate deploy",
    "DatabaseRole": "Giving the checks access to new tables",
}


def migrate(chosen: Environment, console: Terminal) -> int:
    """Run the state machine of the migrations, and return the exit code.

    Raises:
        BotoCoreError, ClientError: AWS cannot be reached, or refuses.
    """
    names = chosen.names
    machine = Machine(name=names.migration, log_group=names.migration_log_groups["tasks"], states=_STATES)
    ended = follow(chosen, machine, "{}", partial(console.print, soft_wrap=True))
    if ended.reason:
        console.print(ended.reason, style="red", soft_wrap=True)
        return 1
    console.print("Nothing is pending any more.")
    return 0


def main() -> int:
    """Read the command line and migrate; 0, 1 when it failed, 2 for a bad command line."""
    parser = argparse.ArgumentParser(prog="make migrate", description=__doc__)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region")
    arguments = parser.parse_args()
    errors = Terminal(stderr=True)
    try:
        return migrate(environment(arguments.environment, region=arguments.region), Terminal())
    except (BotoCoreError, ClientError, ConfigurationError) as error:
        errors.print(str(error), style="red")
        return 1


if __name__ == "__main__":
    sys.exit(main())
