"""Commands as the documents have them, with the rehearsal's names, against the emulated AWS."""

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from config import PRODUCTION
from rehearsal import ROOT
from rehearsal.machine import guards
from rehearsal.run import ACCOUNT, NAMES, Region, Run

TYPED = "typed by the rehearsal"


def of_document(path: Path, region: Region, *, language: str = "bash") -> Iterator[str]:
    """The commands of a document's blocks of that language; a line that ends in && continues."""
    names = {PRODUCTION.prefix: NAMES.prefix, PRODUCTION.account: ACCOUNT, PRODUCTION.home_region: region.name}
    names |= {"ENV=production": "ENV=rehearsal", "environment=production": "environment=rehearsal"}
    for _, block in re.findall(rf"^( *)```{language}\n(.*?)^\1```", path.read_text(), re.MULTILINE | re.DOTALL):
        for command in block.replace("&&\n", "&& ").splitlines():
            yield re.sub("|".join(names), lambda found: names[found[0]], command.strip())


def run_in_shell(
    run: Run, region: Region, command: str, *, assembly: str = "first", allowed: Sequence[int] = (0,)
) -> str:
    """Run a command of an operator's shell and return its output.

    Functions, so that a command's own $(aws ...) calls the emulated AWS, too.

    Args:
        assembly: the variant that `cdk` takes instead of synthesizing.
        allowed: exit codes.
    Raises: ProcessError when it ends with another.
    """
    aws, cdk = shlex.quote(str(guards.PROGRAMS / "aws")), shlex.quote(str(ROOT / "node_modules" / ".bin" / "cdk"))
    app = shlex.quote(str(region.assembly(assembly)))
    tail = f"{shlex.quote(sys.executable)} -m rehearsal.machine.logs_tail"
    script = (
        f'aws() {{ if [[ "$1 $2" = "logs tail" ]]; then {tail} "${{@:3}}" --endpoint-url {run.endpoint}; '
        f'else {aws} --endpoint-url {run.endpoint} "$@"; fi; }}\n'
        f'cdk() {{ {cdk} --no-notices --no-version-reporting --ci --app {app} "$@"; }}\n'
        f'printf %s\\\\n "{TYPED}" | {{ {command}; }}'
    )
    name = " ".join(re.findall(r"\b(?:aws|cdk) (\S+ \S+)", command)[-1:])
    return run.finish(run.begin(name, ["bash", "-c", script], region), allowed)
