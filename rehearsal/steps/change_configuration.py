"""Change what the configuration allows to change, and take it back."""

from rehearsal import ROOT
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import check_protection, deploy_stacks, document_commands

_PAGE = ROOT / "docs" / "how-to" / "change-the-configuration.md"
VARIANTS = {
    "smaller": ("without-replica", "without-agent", "without-key"),
    "elsewhere": ("without-key", "without-domain", "without-site", "without-prompts"),
}


def prove(run: Run, region: Region, step: Step, *, variant: str) -> None:
    """Deploy each variant over the one before, and at last the first one again; all stays protected.

    Args:
        variant: the first one, which is deployed.
    """
    for name in (*VARIANTS, variant):
        if name == variant:  # what the page says of a secret that is put back
            for command in document_commands.of_document(_PAGE, region):
                document_commands.run_in_shell(run, region, command)
        deploy_stacks.deploy_assembly(run, region, name, f"cdk deploy {name}")
        stacks = deploy_stacks.describe_stacks(run, region)
        statuses = {stacks[stack]["StackStatus"] for stack in NAMES.stacks}
        is_settled = statuses <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        what = f"without {', '.join(one.removeprefix('without-') for one in VARIANTS.get(name, ()))}"
        check = f"cdk deploy {what}" if name in VARIANTS else "cdk deploy takes all of it back"
        run.report.expect(is_settled, region.name, check, ", ".join(sorted(statuses)))
    check_protection.expect_on_after_update(run, region)
    step.detail = f"{len(VARIANTS)} variants, and back"
