"""The agents' command: run as it is deployed, with shorter times, by the shells at hand."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from application import CONTAINERS
from start_command import stays_up, until_it_stays_up

FOUND = [shutil.which(name) for name in ("sh", "dash", "bash", "busybox")]
SHELLS = sorted({str(Path(found).resolve()) for found in FOUND if found})
SECONDS = 10


class Started:
    """The command, running a program that counts its starts."""

    def __init__(self, shell: str, folder: Path, program: str) -> None:
        self.starts = folder / "starts"
        script = folder / "start.sh"
        script.write_text(f'#!/bin/sh\necho "$1" >> {self.starts}\ncount=$(wc -l < {self.starts})\n{program}\n')
        script.chmod(0o755)
        self.up_since = str(folder / "up-since")
        command = until_it_stays_up(str(script), "cz", min_seconds=2, pause_seconds=1, up_since=self.up_since)
        self.shell = [shell, "sh"] if shell.endswith("busybox") else [shell]
        self.process = subprocess.Popen([*self.shell, *command[1:]], stderr=subprocess.PIPE, text=True)

    def is_healthy(self) -> bool:
        """Whether the health check succeeds now."""
        check = stays_up(min_seconds=2, up_since=self.up_since)
        return subprocess.run([*self.shell, "-c", check], stderr=subprocess.DEVNULL, check=False).returncode == 0

    def wait_for_starts(self, count: int) -> None:
        deadline = time.monotonic() + SECONDS
        while not self.starts.exists() or len(self.starts.read_text().splitlines()) < count:
            assert time.monotonic() < deadline, f"fewer than {count} starts"
            time.sleep(0.02)

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM; return the exit code and the seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS), time.monotonic() - begun


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_agent_is_started_this_way() -> None:
    agents = [one for one in CONTAINERS if one.name.startswith("agent-")]
    assert len(agents) == 7
    for agent in agents:
        name = agent.name.removeprefix("agent-")
        assert agent.command == until_it_stays_up("/app/fetch-and-start.sh", name)


def test_it_is_healthy_once_the_program_has_stayed_up(shell: str, tmp_path: Path) -> None:
    started = Started(shell, tmp_path, 'test "$count" -le 1 && exit 1; sleep 30')
    assert not started.is_healthy()  # not started
    started.wait_for_starts(2)
    assert not started.is_healthy()  # just started again
    deadline = time.monotonic() + SECONDS
    while not started.is_healthy():
        assert time.monotonic() < deadline
        time.sleep(0.2)
    started.stop()
    assert not started.is_healthy()


def test_program_is_started_until_it_stays_up_and_then_its_end_is_passed_on(shell: str, tmp_path: Path) -> None:
    started = Started(shell, tmp_path, 'test "$count" -le 2 && exit 1; sleep 2.2; exit 7')
    assert started.process.wait(SECONDS) == 7
    assert started.starts.read_text().split() == ["cz"] * 3
    assert started.process.stderr is not None
    lines = started.process.stderr.read().splitlines()
    assert [line.partition(" cz ")[2] for line in lines if "starts again" in line] == [
        "ended with code 1 after 0 s, starts again in 1 s",
        "ended with code 1 after 0 s, starts again in 2 s",
    ]


def test_sigterm_reaches_the_program_and_its_exit_code_is_passed_on(shell: str, tmp_path: Path) -> None:
    started = Started(shell, tmp_path, "trap 'sleep 0.2; exit 5' TERM; while :; do sleep 0.05; done")
    started.wait_for_starts(1)
    time.sleep(0.2)  # until the program has set its trap
    code, seconds = started.stop()
    assert code == 5
    assert seconds < 2


def test_sigterm_during_a_pause_ends_it_at_once(shell: str, tmp_path: Path) -> None:
    started = Started(shell, tmp_path, "exit 1")
    started.wait_for_starts(2)
    time.sleep(0.2)  # the second pause is two seconds
    code, seconds = started.stop()
    assert code == 143
    assert seconds < 1
    assert len(started.starts.read_text().split()) == 2
