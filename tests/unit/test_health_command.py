"""The containers' health check, run by a shell that has only one of the programs that images carry."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from constructs.service.application_task import health_command
from tests.unit.loopback_server import answering

# What a machine without curl or wget gets instead: the program's exit code for these very arguments.
# https://curl.se/docs/manpage.html, https://www.gnu.org/software/wget/manual/html_node/Exit-Status.html
ARGUMENTS = {"curl": (["-fsS", "-o", "/dev/null"], 22), "wget": (["-q", "-O", "/dev/null"], 8)}
SHIM = """#!{python}
import sys, urllib.request
*arguments, url = sys.argv[1:]
if arguments != {arguments}:
    sys.exit(2)
try:
    urllib.request.urlopen(url, timeout=5)
except OSError:
    sys.exit({code})
"""


def run(command: str, folder: Path, *programs: str) -> int:
    """Exit code of the command where only these programs are found."""
    for program in programs:
        if found := shutil.which(program):
            (folder / program).symlink_to(found)
        else:
            arguments, code = ARGUMENTS[program]
            (folder / program).write_text(SHIM.format(python=sys.executable, arguments=arguments, code=code))
            (folder / program).chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", command], env={"PATH": str(folder)}, capture_output=True, check=False, timeout=30
    )
    return done.returncode


@pytest.mark.parametrize("program", ["curl", "wget", "node"])
@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_one_program_is_enough(tmp_path: Path, program: str, status: int, code: int) -> None:
    with answering(status) as url:
        assert run(health_command(f"{url}/api/health/coral"), tmp_path, program) == code


def test_without_a_program_or_a_server_it_is_unhealthy(tmp_path: Path) -> None:
    assert run(health_command("http://127.0.0.1:9/"), tmp_path) == 1
    assert run(health_command("http://127.0.0.1:9/"), tmp_path, "node") == 1
