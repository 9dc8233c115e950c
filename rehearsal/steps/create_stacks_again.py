"""Destroy the stacks that may be lost with the how-to page's commands, and create them again."""

from rehearsal import ROOT
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import deploy_stacks, document_commands

_PAGE = ROOT / "docs" / "how-to" / "create-a-stack-again.md"
_LOST = [NAMES.stack(layer) for layer in ("service", "monitoring", "operations")]


def prove(run: Run, region: Region, step: Step, *, variant: str) -> None:
    """The three stacks go and come back; the others, their logs and the topic's subscribers stay."""
    logs, sns = run.client("logs", region), run.client("sns", region)

    def kept() -> tuple[int, int]:
        groups = logs.describe_log_groups(logGroupNamePrefix=NAMES.service_log_group)["logGroups"]
        subscribers = sns.list_subscriptions_by_topic(TopicArn=region.alarm_topic)["Subscriptions"]
        return len(groups), sum(one["SubscriptionArn"].startswith("arn:") for one in subscribers)

    before = kept()
    for command in document_commands.of_document(_PAGE, region):
        document_commands.run_in_shell(run, region, command, assembly=variant)
    left = [name for name in deploy_stacks.describe_stacks(run, region) if name in _LOST]
    seen = ", ".join(left) or f"{len(_LOST)} stacks"
    run.report.expect(not left, region.name, "the how-to page's commands destroy what may be lost", seen)
    deploy_stacks.deploy_assembly(run, region, variant, "cdk deploy creates them again", is_plain=True)
    stacks = deploy_stacks.describe_stacks(run, region)
    is_back = {stacks[name]["StackStatus"] for name in _LOST} == {"CREATE_COMPLETE"}
    seen = f"{before[1]} confirmed subscribers before, {kept()[1]} after"
    run.report.expect(is_back and kept() == before, region.name, "cdk deploy --all creates them again", seen)
    step.detail = ", ".join(name.rpartition("-")[2] for name in _LOST)
