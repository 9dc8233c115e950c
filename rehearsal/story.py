"""What happens in a rehearsal, from the first server to the last stack."""

import shlex
from contextlib import AbstractContextManager
from functools import partial
from math import inf

from rehearsal import guards, servers
from rehearsal.application import WEB_PORT
from rehearsal.report import Step
from rehearsal.run import PREFIX, Region, Run
from rehearsal.steps import application, checks, deliveries, leftovers, next_steps, runbook, stacks


def rehearse(run: Run, *, is_kept: bool) -> None:
    """Stand the regions up, prove them, and unless they are kept take them down."""
    first = [stacks.begin_synth(run, region, "first") for region in run.regions]
    with run.report.step("Start PostgreSQL, AWS, application") as step:
        servers.start_all(run, step)
    with run.report.step("cdk bootstrap") as step:
        stacks.bootstrap(run, step)
    with run.report.step("cdk synth"):
        for synth in first:
            run.finish(synth)
    for region in run.regions:
        _stand_up(run, region)
        _prove(run, region)
    if len(run.regions) > 1:
        with run.report.step("cdk diff: the regions left each other alone"):
            run.parallel(*(partial(stacks.diff_nothing, run, region, "changed") for region in run.regions))
    if not is_kept:
        _take_down(run)


def keep(run: Run) -> None:
    """Say how to talk to what runs, and leave it running until ctrl-C."""
    region = run.regions[0]
    secret = application.database_secret(run, region)
    exports = run.folder / "environment"
    names = [name for name in run.environment(region.name) if name.startswith("AWS_") or name.endswith("_PROXY")]
    values = run.environment(region.name)
    exports.write_text("".join(f"export {name}={shlex.quote(values[name])}\n" for name in names))
    aws = f"{guards.PROGRAMS}/aws --endpoint-url {run.endpoint}"
    cron_secret = application.cron_secret(run, region)
    lines = [
        "Everything keeps running until ctrl-C. In another terminal:",
        "",
        f"  . {exports}",
        f"  {aws} ecs describe-services --cluster {PREFIX}-cluster --services {PREFIX}-service",
        f"  {aws} logs filter-log-events --log-group-name /aws/lambda/{PREFIX}-pool-health",
        f"  curl -H 'Authorization: Bearer {cron_secret}' http://{region.hosts[0]}:{WEB_PORT}/api/cron/pool-health",
        "  make check CHECK=thread_cleanup ENV=rehearsal EVENT='{\"dry_run\": true}'",
        f"  psql '{secret['url'].partition('?')[0]}?sslmode=verify-full&sslrootcert={region.postgres.ca_file}'",
        "",
        f"Logs are in {run.logs}",
    ]
    run.report.console.print("\n" + "\n".join(lines), markup=False, soft_wrap=True)
    run.processes.until(lambda: False, timeout_seconds=inf, what="ctrl-C", pause_seconds=0.2)


def _stand_up(run: Run, region: Region) -> None:
    with _step(run, region, "cdk deploy --all") as step:
        again = stacks.begin_synth(run, region, "again")
        changed = stacks.begin_synth(run, region, "changed", f"image_tag={stacks.CHANGED_TAG}")
        stacks.deploy(run, region, step)
    with _step(run, region, "Tables and secrets for the application") as step:
        application.move_in(run, region, step)
    with _step(run, region, "cdk deploy that changes nothing"):
        run.finish(again)
        stacks.deploy_again(run, region)
    with _step(run, region, "cdk diff: of nothing, of a changed image"):
        run.finish(changed)
        run.parallel(partial(stacks.diff_nothing, run, region), partial(stacks.diff_change, run, region))
    with _step(run, region, "cdk deploy of the changed image") as step:
        stacks.deploy_change(run, region, step)


def _prove(run: Run, region: Region) -> None:
    with _step(run, region, "The runbook's AWS CLI commands") as step:
        runbook.prove(run, region, step)
    with _step(run, region, "The checks, by their own schedules") as step:
        checks.run_all(run, region, step)
    with _step(run, region, "Every alarm and event, read by a subscriber") as step:
        deliveries.prove(run, region, step)
    with _step(run, region, "The commands that the mails name") as step:
        next_steps.prove(run, region, step)


def _take_down(run: Run) -> None:
    retained = set().union(*(leftovers.retained(run, region) for region in run.regions))
    for region in run.regions:
        with _step(run, region, "cdk destroy --all") as step:
            stacks.destroy(run, region, step)
    with run.report.step("Look for what is left") as step:
        leftovers.expect_none(run, retained, step)


def _step(run: Run, region: Region, name: str) -> AbstractContextManager[Step]:
    return run.report.step(f"{name} ({region.name})" if len(run.regions) > 1 else name)
