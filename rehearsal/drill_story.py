"""The drill of docs/recovery.md: the home region is lost, the recovery region serves what it had; and the way back."""

from rehearsal import story
from rehearsal.run import Run
from rehearsal.steps import (
    deploy_stacks,
    fire_schedule,
    go_back_home,
    lose_home_region,
    recover_region,
    set_up_application,
)


def rehearse(run: Run) -> None:
    """Stand up at home with data, lose it at a moment, and recover to that moment; then go back with all since."""
    home, there = run.regions
    synths = [deploy_stacks.begin_synth(run, home, "first"), deploy_stacks.begin_synth(run, there, "again")]
    story.begin(run, synths)
    with run.report.step("cdk deploy --all at home") as step:
        deploy_stacks.deploy(run, home, step)
        set_up_application.fill_secrets(run, home)
        set_up_application.upload_prompts(run, home)
        set_up_application.set_up(run, home, step)
    with run.report.step("Refused while the home region serves") as step:
        recover_region.prove_refused(run, there, step)
    with run.report.step("The home region is lost") as step:
        moment = lose_home_region.lose(run, home, there, step)
    with run.report.step("make recover, killed three times") as step:
        recover_region.prove_killed(run, there, moment, step)
    with run.report.step("make recover") as step:
        recover_region.recover(run, there, moment, step)
    with run.report.step("Every row, one by one") as step:
        recover_region.prove_rows(run, there, moment, step)
    with run.report.step("The site and the checks there") as step:
        recover_region.prove_site(run, there, step)
        fire_schedule.expect_first_runs(run, there, step)
    with run.report.step("cdk deploy and make recover again") as step:
        recover_region.prove_again(run, there, step)
    with run.report.step("The home region is back, full of old data") as step:
        go_back_home.come_back(run, home, there, step)
        recover_region.prove_prompts(run, home, there)
    with run.report.step("make stand-down of the home region") as step:
        go_back_home.stand_down(run, home, step)
    with run.report.step("make recover MOVE=yes, killed once, and again") as step:
        moved = go_back_home.move(run, there, home, step)
    with run.report.step("Every row, one by one, at home") as step:
        recover_region.prove_rows(run, home, moved, step)
        recover_region.prove_site(run, home, step)
    with run.report.step("make stand-down of the recovery region") as step:
        output = go_back_home.stand_down(run, there, step)
        go_back_home.prove_standby(run, home, there, step)
    with run.report.step("The recovery region's old database") as step:
        go_back_home.delete_old(run, there, output, step)
