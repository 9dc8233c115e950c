"""All probes of preflight, and their order; without the CDK, which takes seconds to import."""

from collections.abc import Callable, Iterable
from functools import partial, update_wrapper

from rich.console import Console

from procedures.findings import Finding, State, find
from procedures.preflight import (
    account,
    container_secrets,
    cost_data,
    existing_names,
    images,
    orderable_database,
    prompts,
    quotas,
    recovery_region,
    site_name,
    subscribers,
    wallets,
)
from procedures.preflight.deployment import Deployment

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
    recovery_region.standby,
    site_name.hosted_zone,
    subscribers.subscribers,
    subscribers.confirmations,
    wallets.wallets,
    cost_data.cost_explorer,
)


def look(aws: Deployment, console: Console) -> list[Finding]:
    """Every finding; with another account's credentials, or none, only that."""
    findings = find([account.credentials], aws, console)
    if any(finding.state is State.FAILS for finding in findings):
        return findings
    return findings + find(PROBES, aws, console)
