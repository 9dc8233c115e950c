"""Ask AWS whether what is deployed works as believed: `make verify ENV=production`."""

import argparse
import sys
from collections.abc import Sequence

from config import environment
from procedures.findings import console, exit_code, table
from procedures.terminal import Terminal
from procedures.verify.beliefs import look
from procedures.verify.delivery import DeliveryError, deliver
from procedures.verify.deployed import Deployed
from validation import ConfigurationError


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, ask AWS, print a table; 1 when something fails."""
    parser = argparse.ArgumentParser(prog="make verify", description=__doc__)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region")
    parser.add_argument("--deliver", choices=["yes"], help="set a harmless alarm off, and ask whether its email came")
    arguments = parser.parse_args(argv)
    shown, errors = console(), Terminal(stderr=True)
    try:
        deployed = Deployed(environment(arguments.environment, region=arguments.region))
        if arguments.deliver:
            deliver(deployed, input, shown)
    except (ConfigurationError, DeliveryError) as error:
        errors.print(str(error), style="red")
        return 1
    findings = look(deployed, shown)
    shown.print(table(findings, f"{deployed.names.prefix} in {deployed.environment.region}"))
    return exit_code(findings)


if __name__ == "__main__":
    sys.exit(main())
