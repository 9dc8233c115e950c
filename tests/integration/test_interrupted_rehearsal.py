"""A rehearsal that is interrupted prints the cause, once, and leaves no process behind.

All cases run in parallel, which also shows that rehearsals do not disturb each other. When the emulator ends, most
other programs fail, too, and the emulator must be the cause that is printed. Every server is watched in the same way.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from rehearsal import ROOT

# What is killed: a part of its command line (none: the rehearsal itself); the signal; what must be printed.
CASES = {
    "emulator": ("rehearsal.emulator", signal.SIGKILL, "the emulator was killed by SIGKILL"),
    "ctrl-C": (None, signal.SIGINT, "interrupted by ctrl-C"),
    "killed": (None, signal.SIGKILL, ""),
}

TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Interrupted:
    """How an interrupted rehearsal ended."""

    exit_code: int
    output: str
    left: list[str]
    folder: Path


def interrupt(folder: Path, part: str | None, number: signal.Signals) -> Interrupted:
    """Start a rehearsal, send the signal once its servers run, and wait for its end."""
    output = folder / "output"
    with output.open("w") as file:
        rehearsal = subprocess.Popen(
            [sys.executable, "-m", "rehearsal", "--output", str(folder)],
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while "Start PostgreSQL" not in output.read_text() and rehearsal.poll() is None:
        assert time.monotonic() < deadline, "the servers have not started"
        time.sleep(0.05)
    tree = psutil.Process(rehearsal.pid).children(recursive=True)
    victim = rehearsal.pid if part is None else next(p.pid for p in tree if part in " ".join(p.cmdline()))
    os.kill(victim, number)
    rehearsal.wait(TIMEOUT_SECONDS)
    _, left = psutil.wait_procs(tree, timeout=TIMEOUT_SECONDS)
    alive = [process for process in left if process.status() != psutil.STATUS_ZOMBIE]
    return Interrupted(rehearsal.returncode, output.read_text(), [str(process) for process in alive], folder)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Interrupted]]:
    """Every case, in parallel."""
    with ThreadPoolExecutor(len(CASES)) as pool:
        futures = {
            name: pool.submit(interrupt, tmp_path_factory.mktemp("interrupted"), part, number)
            for name, (part, number, _) in CASES.items()
        }
        yield {name: future.result() for name, future in futures.items()}


@pytest.mark.parametrize("case", CASES)
def test_no_process_is_left(interrupted: dict[str, Interrupted], case: str) -> None:
    assert interrupted[case].left == []


@pytest.mark.parametrize("case", [case for case in CASES if case != "killed"])
def test_the_cause_is_printed_once(interrupted: dict[str, Interrupted], case: str) -> None:
    one = interrupted[case]
    assert one.output.count(CASES[case][2]) == 1
    assert one.output.count("Rehearsal failed") == 1
    assert "Traceback" not in one.output
    assert json.loads((one.folder / "rehearsal.json").read_text())["error"].endswith(CASES[case][2])


def test_a_dead_server_interrupts_the_step_and_shows_its_log(interrupted: dict[str, Interrupted]) -> None:
    one = interrupted["emulator"]
    assert one.exit_code == 1
    assert "Last lines of" in one.output
    assert list((one.folder / "rehearsal-logs").glob("*/postgres-us-east-1.log"))


def test_ctrl_c_has_its_own_exit_code(interrupted: dict[str, Interrupted]) -> None:
    assert interrupted["ctrl-C"].exit_code == 130
