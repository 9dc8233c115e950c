"""The rehearsal of docs/cut-over.md: the former system has the names, the recovery region becomes the home region."""

from rehearsal import story
from rehearsal.run import Run
from rehearsal.steps import cut_over, deploy_stacks


def rehearse(run: Run) -> None:
    """Stand up beside the former system, move data and name, and go back."""
    former, new = run.regions
    synths = [
        deploy_stacks.begin_synth(run, new, variant, changes=changes) for variant, changes in cut_over.VARIANTS.items()
    ]
    story.begin(run, synths, has_standby=False)
    with run.report.step("Stand up beside the former system") as step:
        cut_over.stand_up(run, former, new, step)
    with run.report.step("The standstill: move the data") as step:
        cut_over.move_data(run, former, new, step)
    with run.report.step("Move the site's name") as step:
        cut_over.move_name(run, former, new, step)
    with run.report.step("The way back") as step:
        cut_over.go_back(run, former, new, step)
