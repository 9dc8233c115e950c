"""The rehearsal of a protected environment: what fails, what comes late, what changes, what is lost and made again."""

from config import REHEARSAL
from rehearsal import story
from rehearsal.run import Region, Run
from rehearsal.steps import (
    change_configuration,
    check_protection,
    create_stacks_again,
    deploy_stacks,
    fail_creations,
    find_leftovers,
    fire_schedule,
    occupy_names,
    run_migrations,
    run_preflight,
    run_runbook_commands,
    run_verify,
    set_up_application,
    upload_prompts_late,
)

_FIRST, _LAST = "first", "unprotected"


def rehearse(run: Run) -> None:
    """From an empty account, through failures, to a healthy protected region; change it, lose parts of it, end it."""
    (region,) = run.regions
    synths = [
        deploy_stacks.begin_synth(run, region, variant, changes=changes)
        for variant, changes in {
            _FIRST: ("protected",),
            **{name: ("protected", *changes) for name, changes in change_configuration.VARIANTS.items()},
            _LAST: ("unprotected",),
        }.items()
    ]
    synths += [
        deploy_stacks.begin_synth(run, region, variant, context, changes=("protected",))
        for variant, context in run_migrations.CONTEXT.items()
    ]
    story.begin(run, synths)
    _deploy(run, region)
    _change(run, region)
    _lose(run, region)
    _end(run, region)


def _deploy(run: Run, region: Region) -> None:
    with run.report.step("make preflight on an empty account") as step:
        run_preflight.prove_empty(run, region, step, variant=_FIRST)
    with run.report.step("The former system's names") as step:
        occupy_names.prove(run, region, step, variant=_FIRST)
    with run.report.step("A first deployment that fails twice") as step:
        fail_creations.prove(run, region, step, variant=_FIRST)
        deploy_stacks.record_resources(run, region)
    with run.report.step("Protection from deletion") as step:
        check_protection.prove(run, region, step, variant=_FIRST)
    with run.report.step("Rows and secrets for the application") as step:
        set_up_application.set_up(run, region, step)
    with run.report.step("Prompts that come late") as step:
        upload_prompts_late.prove(run, region, step)
    with run.report.step("make preflight on what is deployed") as step:
        run_preflight.prove_ready(run, region, step, variant=_FIRST)
    with run.report.step("Migrations: one fails, the next one does not") as step:
        run_migrations.prove(run, region, step)
    with run.report.step("A subscriber of the alarms"):
        run_runbook_commands.subscription(run, region)
    with run.report.step("make verify, and things broken one by one") as step:
        fire_schedule.fire(run, region, "cron_routes", "intermediary-cleanup")  # its first run came before the site did
        run_verify.prove_broken(run, region, step)


def _change(run: Run, region: Region) -> None:
    with run.report.step("Changes of the configuration, and back") as step:
        change_configuration.prove(run, region, step, variant=_FIRST)


def _lose(run: Run, region: Region) -> None:
    with run.report.step("Stacks that are lost and made again") as step:
        create_stacks_again.prove(run, region, step, variant=_FIRST)
        check_protection.expect_on_after_update(run, region)


def _end(run: Run, region: Region) -> None:
    with run.report.step("Protection switched off, cdk destroy --all") as step:
        deploy_stacks.deploy_assembly(run, region, _LAST, "cdk deploy unprotected", is_plain=True)
        check_protection.expect_off(run, region)
        retained = find_leftovers.retained(run, region.name, region.assembly(_LAST))
        retained |= find_leftovers.retained(run, REHEARSAL.recovery_region, run.standby_assembly)
        deploy_stacks.destroy(run, region, step, _LAST)
        deploy_stacks.end_standby(run)
    with run.report.step("Find leftovers") as step:
        find_leftovers.expect_none(run, retained, step)
