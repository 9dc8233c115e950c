"""The sequence of steps of a rehearsal, from the first server to the last stack."""

import shlex
from collections.abc import Iterable
from functools import partial
from math import inf

from config import REHEARSAL
from procedures.terminal import plain
from rehearsal.machine import guards
from rehearsal.machine.processes import Process
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import (
    connect_clients,
    deploy_stacks,
    find_leftovers,
    fire_schedule,
    price_deployed,
    run_checks,
    run_dump,
    run_next_steps,
    run_runbook_commands,
    run_verify,
    set_up_application,
    start_servers,
    trigger_alarms_and_events,
)


def rehearse(run: Run, *, is_kept: bool) -> None:
    """Deploy the region, prove it, and destroy it unless it is kept."""
    (region,) = run.regions
    begin(run, [deploy_stacks.begin_synth(run, region, "first")])
    _deploy(run, region)
    _prove(run, region)
    if not is_kept:
        _destroy(run, region)


def begin(run: Run, synths: Iterable[Process], *, has_standby: bool = True) -> None:
    """Start every server, prepare account and recovery region, and wait for what is being synthesized.

    Args:
        has_standby: the recovery region is made a standby.
    """
    with run.report.step("Start PostgreSQL, AWS, application") as step:
        start_servers.start_all(run, step)
    with run.report.step("cdk bootstrap") as step:
        deploy_stacks.bootstrap(run, step)
    if has_standby:
        with run.report.step("make standby") as step:
            deploy_stacks.stand_by(run, step)
    with run.report.step("cdk synth"):
        for synth in synths:
            run.finish(synth)


def keep(run: Run) -> None:
    """Print how to use what runs, and leave it running until ctrl-C."""
    region = run.regions[0]
    secret = set_up_application.database_secret(run, region)
    exports = run.folder / "environment"
    names = [name for name in run.environment(region.name) if name.startswith("AWS_") or name.endswith("_PROXY")]
    values = run.environment(region.name)
    exports.write_text("".join(f"export {name}={shlex.quote(values[name])}\n" for name in names))
    aws = f"{guards.PROGRAMS}/aws --endpoint-url {run.endpoint}"
    cron_secret = set_up_application.cron_secret(run, region)
    lines = [
        "Everything keeps running until ctrl-C. In another terminal:",
        "",
        f"  . {exports}",
        f"  {aws} ecs describe-services --cluster {NAMES.cluster} --services {NAMES.service}",
        f"  {aws} logs filter-log-events --log-group-name {NAMES.check_log_group('pool_health')}",
        f"  curl -H 'Authorization: Bearer {cron_secret}' http://{region.hosts[0]}:{run.addresses.ports.web}/api/cron/pool-health",
        "  make check CHECK=thread_cleanup ENV=rehearsal EVENT='{\"dry_run\": true}'",
        f"  psql '{secret['url'].partition('?')[0]}?sslmode=verify-full&sslrootcert={region.postgres.ca_file}'",
        "",
        f"Logs are in {run.logs}",
    ]
    run.report.console.print(plain("\n" + "\n".join(lines)), markup=False, soft_wrap=True)
    run.processes.until(lambda: False, timeout_seconds=inf, what="ctrl-C", pause_seconds=0.2)


def _deploy(run: Run, region: Region) -> None:
    with run.report.step("cdk deploy --all") as step:
        again = deploy_stacks.begin_synth(run, region, "again")
        changed = deploy_stacks.begin_synth(run, region, "changed", f"image_tag={deploy_stacks.CHANGED_TAG}")
        deploy_stacks.deploy(run, region, step)
    with run.report.step("The first run of each check") as step:
        fire_schedule.expect_first_runs(run, region, step)
    with run.report.step("Rows, secrets and prompts for the application") as step:
        set_up_application.fill_secrets(run, region)
        set_up_application.upload_prompts(run, region)
        set_up_application.set_up(run, region, step)
    with run.report.step("cdk deploy without changes"):
        run.finish(again)
        deploy_stacks.deploy_again(run, region)
    with run.report.step("cdk diff: no change, a changed image"):
        run.finish(changed)
        run.parallel(partial(deploy_stacks.diff_nothing, run, region), partial(deploy_stacks.diff_change, run, region))
    with run.report.step("cdk deploy of the changed image") as step:
        deploy_stacks.deploy_change(run, region, step)


def _prove(run: Run, region: Region) -> None:
    with run.report.step("The price of what is deployed") as step:
        price_deployed.show(run, region, step)
    with run.report.step("The runbook's AWS CLI commands") as step:
        run_runbook_commands.prove(run, region, step)
    with run.report.step("The site's clients of the database") as step:
        connect_clients.prove(run, region, step)
    with run.report.step("The checks, on their own schedules") as step:
        run_checks.prove(run, region, step)
    with run.report.step("Every alarm and event, read by a subscriber") as step:
        trigger_alarms_and_events.prove(run, region, step)
    with run.report.step("The commands that the emails name") as step:
        run_next_steps.prove(run, region, step)
    with run.report.step("make verify") as step:
        run_verify.prove(run, region, step)
    with run.report.step("make dump, and make restore-dump into the emptied database") as step:
        run_dump.prove(run, region, step)


def _destroy(run: Run, region: Region) -> None:
    retained = find_leftovers.retained(run, REHEARSAL.recovery_region, run.standby_assembly)
    retained |= find_leftovers.retained(run, region.name, region.assembly("changed"))
    with run.report.step("cdk destroy --all") as step:
        deploy_stacks.destroy(run, region, step, "changed")
        deploy_stacks.end_standby(run)
    with run.report.step("Find leftovers") as step:
        find_leftovers.expect_none(run, retained, step)
