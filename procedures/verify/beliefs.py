"""All probes of verify, and their order."""

from rich.console import Console

from procedures.findings import Finding, Probe, State, find
from procedures.preflight.account import credentials
from procedures.verify import (
    alarm_states,
    answering_site,
    check_runs,
    copied_backups,
    delivery,
    event_patterns,
    metric_names,
    permissions,
    rotating_secrets,
    running_database,
    running_service,
    stack_states,
)
from procedures.verify.deployed import Deployed

PROBES: tuple[Probe[Deployed], ...] = (
    running_service.tasks,
    running_service.containers,
    running_service.targets,
    answering_site.certificate,
    answering_site.record,
    answering_site.answer,
    running_database.instances,
    running_database.parameters,
    running_database.backups,
    copied_backups.replicated,
    copied_backups.dumped,
    rotating_secrets.secrets,
    check_runs.schedules,
    check_runs.last_runs,
    check_runs.dead_letters,
    check_runs.migration,
    alarm_states.states,
    alarm_states.subscriptions,
    delivery.delivered,
    metric_names.of_alarms,
    metric_names.of_dashboard,
    event_patterns.rules,
    *permissions.probes(),
)


def look(aws: Deployed, console: Console) -> list[Finding]:
    """Every finding; with another account's credentials, or while a stack does not exist, only that."""
    findings = find([credentials], aws, console)
    if any(one.state is State.FAILS for one in findings):
        return findings
    findings = find([stack_states.stacks], aws, console)
    if any(one.state is State.FAILS and not one.found.endswith("COMPLETE") for one in findings):
        return findings
    return findings + find(PROBES, aws, console)
