"""Try the commands that the mails name as next steps, as they stand there."""

import re
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from procedures.check import CHECKS
from rehearsal import guards
from rehearsal.report import Step
from rehearsal.run import PREFIX, Region, Run

SECRET = f"{PREFIX}/agent-api-key"  # the one that an event tells the deletion of
_AT_ONCE = 4
_CHECK = "make check CHECK="
_UNKNOWN = ("guardduty",)  # services that the emulator does not have
_CHOSEN = {"ADDRESS": "your-email@example.com", f"{PREFIX}/SECRET": f"{PREFIX}/openai-api-key"}  # by the operator
_TYPED = '{"value": "typed by the rehearsal"}'


def prove(run: Run, region: Region, step: Step) -> None:
    """Every `aws` command and every `make check` of the region's mails must succeed."""
    told = [one for delivery in run.report.deliveries if delivery.region == region.name for one in delivery.next]
    # Of the commands that differ in the check's name only, one is enough.
    by_kind = {_without_check(command): command for command in told if command.startswith(("aws ", _CHECK))}
    commands = sorted(by_kind.values())
    unknown = [command for command in commands if command.split()[1] in _UNKNOWN]
    checks = [command for command in commands if command.startswith(_CHECK)]
    others = [command for command in commands if command not in {*unknown, *checks}]
    secrets = run.client("secretsmanager", region)
    secrets.delete_secret(SecretId=SECRET, RecoveryWindowInDays=7)  # as the mail says of it
    # Checks first: some of the others change how many tasks there are.
    for group in (checks, others):
        run.parallel(*(partial(_try, run, region, group[first::_AT_ONCE]) for first in range(_AT_ONCE)))
    seen = f"{len(commands) - len(unknown)} commands"
    if unknown:
        seen += (
            f"; not tried, because the emulator has no such service: {', '.join(c.split(' --')[0] for c in unknown)}"
        )
    run.report.expect(bool(checks and others), region.name, "the commands of the mails succeed as they stand", seen)
    is_restored = "DeletedDate" not in secrets.describe_secret(SecretId=SECRET)
    name = "a secret that was scheduled for deletion is kept by the mail's command"
    run.report.expect(is_restored, region.name, name, SECRET)
    step.detail = f"{len(checks) + len(others)} commands"


def _without_check(command: str) -> str:
    return re.sub("|".join(f"{check}|{check.replace('_', '-')}" for check in CHECKS), "CHECK", command)


def _try(run: Run, region: Region, commands: Sequence[str]) -> None:
    for command in commands:
        if command.startswith(_CHECK):
            words = dict(word.split("=") for word in command.split()[2:])
            arguments = [words["CHECK"], "--environment", words["ENV"], "--region", words["REGION"]]
            run.finish(run.begin("make check", [Path(sys.executable), "-m", "procedures.check", *arguments], region))
        else:
            # A function, so that the command's own $(aws ...) comes here, too.
            program = shlex.quote(str(guards.PROGRAMS / "aws"))
            chosen = re.sub("|".join(_CHOSEN), lambda found: _CHOSEN[found[0]], command)
            typed = f"printf %s {shlex.quote(_TYPED)}"
            here = f'aws() {{ {program} --endpoint-url {run.endpoint} "$@"; }}; {typed} | {chosen}'
            run.finish(run.begin(" ".join(command.split()[:3]), ["bash", "-c", here], region))
