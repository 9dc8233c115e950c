"""Look whether a deployment would succeed, before it: `make preflight ENV=production`."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial, update_wrapper
from pathlib import Path

from rich.console import Console

from config import environment
from procedures.findings import Finding, State, exit_code, find, table
from procedures.preflight import (
    account,
    container_secrets,
    cost_data,
    existing_names,
    images,
    orderable_database,
    prompts,
    quotas,
    site_name,
    subscribers,
)
from procedures.preflight.deployment import Deployment
from procedures.synthesis import synthesize
from validation import ConfigurationError

Probe = Callable[[Deployment], Iterable[Finding]]


def _names(type_: str) -> Probe:
    return update_wrapper(partial(existing_names.existing, type_=type_), existing_names.existing)


PROBES: tuple[Probe, ...] = (
    account.bootstrap,
    account.service_linked_roles,
    quotas.fargate,
    quotas.elastic_ips,
    quotas.vpcs,
    quotas.lambda_concurrency,
    *map(_names, existing_names.LISTINGS),
    images.images,
    container_secrets.secrets,
    prompts.prompts,
    orderable_database.database,
    site_name.hosted_zone,
    subscribers.subscribers,
    subscribers.confirmations,
    cost_data.cost_explorer,
)


def look(aws: Deployment, console: Console) -> list[Finding]:
    """Every finding; with another account's credentials, or none, only that."""
    findings = find([account.credentials], aws, console)
    if any(finding.state is State.FAILS for finding in findings):
        return findings
    return findings + find(PROBES, aws, console)


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, look, print a table; 1 when a deployment would fail."""
    parser = argparse.ArgumentParser(prog="make preflight", description=__doc__)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--region")
    parser.add_argument("--image-tag")
    parser.add_argument("--stacks", nargs="*", default=(), help="only these are going to be deployed")
    arguments = parser.parse_args(argv)
    console = Console(emoji=False)
    try:
        chosen = environment(arguments.environment, region=arguments.region, image_tag=arguments.image_tag)
        with tempfile.TemporaryDirectory() as folder:
            synthesize(chosen, Path(folder))
            deployment = Deployment(chosen, Path(folder), arguments.stacks)
    except ConfigurationError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False)
        return 1
    findings = look(deployment, console)
    console.print(table(findings, f"{chosen.prefix} in {chosen.region}"))
    return exit_code(findings)


if __name__ == "__main__":
    sys.exit(main())
