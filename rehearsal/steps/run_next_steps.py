"""Run the commands that the emails name, and those of docs/runbook.md, as they are written there."""

import re
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from names import CHECKS
from rehearsal import ROOT
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Region, Run
from rehearsal.steps import document_commands

SECRET = NAMES.secret("agent-api-key")  # whose deletion is one of the events
_AT_ONCE = 4
_CHECK = "make check CHECK="
_NOT_RUN = {
    "make deploy": "other steps deploy",
    "make secrets": "another step fills secrets from a file",
    "make restore-dump": "another step restores",
    "describe-execution": "the event's execution is made up",
    "guardduty": "the emulator has no such service",
    "psql": "not every machine has it",
}
_CHOSEN = {"ADDRESS": "your-email@example.com", "SECRET": "openai-api-key"}  # by the operator


def prove(run: Run, region: Region, step: Step) -> None:
    """Every command must succeed; those that change the service come last, one after the other."""
    named = [one for delivery in run.report.deliveries if delivery.region == region.name for one in delivery.next]
    # Of the commands that differ only in the check's name, one is enough.
    by_kind = {_without_check(command): command for command in [*_of_the_runbook(region), *named]}
    commands = sorted(command for command in by_kind.values() if re.search(r"\baws |^make ", command))
    runnable = [command for command in commands if not any(word in command for word in _NOT_RUN)]
    changes = [command for command in runnable if "update-service" in command or "modify-db-instance" in command]
    checks = [command for command in runnable if command.startswith(_CHECK)]
    others = [command for command in runnable if command not in {*changes, *checks}]
    secrets = run.client("secretsmanager", region)
    secrets.delete_secret(SecretId=SECRET, RecoveryWindowInDays=7)  # as in the email about that event
    first = [command for command in others if "restore-secret" in command]
    _run(run, region, first)
    is_restored = "DeletedDate" not in secrets.describe_secret(SecretId=SECRET)
    name = "the email's command restores a secret that is scheduled for deletion"
    run.report.expect(bool(first) and is_restored, region.name, name, SECRET)
    others = [command for command in others if command not in first]
    run.parallel(*(partial(_run, run, region, others[part::_AT_ONCE]) for part in range(_AT_ONCE)))
    _run(run, region, [*checks, *changes, f"{_CHECK}database_role ENV=rehearsal"])  # with the new password
    without = "; ".join(f"{what}: {why}" for what, why in _NOT_RUN.items())
    name = "the commands of the emails and the runbook succeed as written"
    run.report.expect(len(runnable) > 1, region.name, name, f"{len(runnable)} commands; not run are {without}")
    step.detail = f"{len(runnable)} commands"


def _of_the_runbook(region: Region) -> Iterator[str]:
    """The commands of the runbook's blocks but those that an email completes."""
    for command in document_commands.of_document(ROOT / "docs" / "runbook.md", region):
        if not re.search(r"\b(\w+_)?(ARN|ID|IDENTIFIER|NAME|TOKEN)\b(?!=)", command):
            yield command


def _without_check(command: str) -> str:
    checks = sorted(CHECKS, key=len, reverse=True)  # a name that begins with another's comes first
    kind = re.sub("|".join(check.replace("_", "[-_]") for check in checks), "CHECK", command)
    return re.sub(r" (--region |REGION=)\S+", "", kind)  # emails name it, the runbook does not


def _run(run: Run, region: Region, commands: Sequence[str]) -> None:
    for command in commands:
        if command.startswith(_CHECK):
            check = command.removeprefix(_CHECK).split()[0]
            event = re.findall(r"EVENT='(.+)'", command)
            arguments = [
                check,
                "--environment",
                "rehearsal",
                "--region",
                region.name,
                *(["--event", *event] if event else []),
            ]
            run.finish(run.begin("make check", [Path(sys.executable), "-m", "procedures.check", *arguments], region))
            continue
        chosen = re.sub(r"\b[A-Z_]+\b", lambda found: _CHOSEN.get(found[0], found[0]), command)
        document_commands.run_in_shell(run, region, chosen)
