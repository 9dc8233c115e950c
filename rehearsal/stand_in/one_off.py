"""In place of a container of a one-off task: `one_off.py IMAGE ENTRY-POINT... COMMAND...`, in its working directory.

The site's image runs Prisma's stand-in. PostgreSQL's and the AWS CLI's run the command as it is, in a shell of this
machine, where the programs of the image are PostgreSQL's own, and the AWS CLI of version 1.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rehearsal.stand_in import prisma

_SYSTEM = "/usr/local/bin:/usr/bin:/bin"
# Part of an image's name: the programs in it, and the module that each is run by.
_PROGRAMS = {
    "/library/postgres:": (("psql", "pg_dump", "pg_restore"), "rehearsal.stand_in.postgresql_client"),
    "/aws-cli:": (("aws",), "rehearsal.stand_in.aws_cli"),
}


def main() -> int:
    """Return the exit code of the container."""
    image, *command = sys.argv[1:]
    for part, (programs, module) in _PROGRAMS.items():
        if part in image:
            return _run(command, programs, module)
    return prisma.run(image, command)


def _run(command: Sequence[str], programs: Sequence[str], module: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        for program in programs:
            script = Path(folder) / program
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} {program} "$@"\n')
            script.chmod(0o755)
        ended = subprocess.run(command, env={**os.environ, "PATH": f"{folder}:{_SYSTEM}"}, check=False)
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
