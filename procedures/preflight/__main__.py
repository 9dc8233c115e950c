"""Look whether a deployment would succeed, before it: `make preflight ENV=production`."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from config import environment
from procedures.findings import console, exit_code, table
from procedures.preflight.deployment import Deployment
from procedures.preflight.probes import look
from procedures.synthesis import synthesize
from procedures.terminal import Terminal
from validation import ConfigurationError


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, look, print a table; 1 when a deployment would fail."""
    parser = argparse.ArgumentParser(prog="make preflight", description=__doc__)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region")
    parser.add_argument("--image-tag")
    parser.add_argument("--stacks", nargs="*", default=(), help="only these are going to be deployed")
    arguments = parser.parse_args(argv)
    shown = console()
    try:
        chosen = environment(arguments.environment, region=arguments.region, image_tag=arguments.image_tag)
        with tempfile.TemporaryDirectory() as folder:
            synthesize(chosen, Path(folder))
            deployment = Deployment(chosen, Path(folder), arguments.stacks)
    except ConfigurationError as error:
        Terminal(stderr=True).print(str(error), style="red")
        return 1
    findings = look(deployment, shown)
    shown.print(table(findings, f"{chosen.prefix} in {chosen.region}"))
    return exit_code(findings)


if __name__ == "__main__":
    sys.exit(main())
