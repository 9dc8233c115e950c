"""Programs of a rehearsal: watched while it runs, and ended when it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rehearsal import ROOT
from rehearsal.machine.processes import CancelledError, Process, ProcessError, Processes, start, tail

SLEEPER = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)",
]
# Starts a grandchild that detaches itself, as daemons do.
DETACHING = [
    sys.executable,
    "-c",
    "import subprocess, time; p = subprocess.Popen(['sleep', '60'], start_new_session=True);"
    "print(p.pid, flush=True); time.sleep(60)",
]


def begin(tmp_path: Path, arguments: list[str], *, name: str = "the server", grace_seconds: float = 5) -> Process:
    """Start a program and wait for its first line."""
    process = start(
        name,
        arguments,
        log=tmp_path / f"{name}.log",
        environment={"PATH": "/usr/bin:/bin"},
        grace_seconds=grace_seconds,
    )
    deadline = time.monotonic() + 10
    while not process.log.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    return process


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def processes() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.stop()


def test_a_server_that_dies_ends_the_wait_for_a_command(tmp_path: Path, processes: Processes) -> None:
    dying = [sys.executable, "-c", "import time; print('no more memory', flush=True); time.sleep(0.3); exit(3)"]
    processes.watch(begin(tmp_path, dying))
    command = begin(tmp_path, SLEEPER, name="cdk deploy")
    begun = time.monotonic()
    with pytest.raises(ProcessError, match="the server exited with code 3") as caught:
        processes.wait(command, timeout_seconds=30)
    assert time.monotonic() - begun < 5
    assert caught.value.log_tail == "no more memory"
    assert not command.is_running


def test_the_error_of_a_killed_server_names_the_signal(tmp_path: Path, processes: Processes) -> None:
    server = processes.watch(begin(tmp_path, SLEEPER))
    psutil.Process(server.popen.pid).children()[0].kill()
    server.popen.wait(5)
    with pytest.raises(ProcessError, match="was killed by SIGKILL"):
        processes.check()


def test_wait_returns_the_exit_code(tmp_path: Path, processes: Processes) -> None:
    command = begin(tmp_path, [sys.executable, "-c", "print('x'); exit(7)"])
    assert processes.wait(command, timeout_seconds=10) == 7


def test_a_command_that_does_not_end_is_ended(tmp_path: Path, processes: Processes) -> None:
    command = begin(tmp_path, SLEEPER, name="cdk deploy")
    with pytest.raises(TimeoutError, match="cdk deploy ended: not within 0 s"):
        processes.wait(command, timeout_seconds=0.1)
    assert not command.is_running


def test_a_run_that_failed_elsewhere_gives_up_waiting(tmp_path: Path, processes: Processes) -> None:
    command = begin(tmp_path, SLEEPER)
    processes.cancel()
    with pytest.raises(CancelledError):
        processes.wait(command, timeout_seconds=30)
    assert not command.is_running


def test_what_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    process = begin(tmp_path, STUBBORN, grace_seconds=0.2)
    child = psutil.Process(process.popen.pid).children()[0].pid
    process.stop()
    assert is_gone(child)


def test_what_a_program_started_ends_with_it(tmp_path: Path) -> None:
    process = begin(tmp_path, DETACHING)
    grandchild = int(process.log.read_text())
    process.stop()
    if sys.platform == "linux":
        assert is_gone(grandchild)
    else:
        os.kill(grandchild, signal.SIGKILL)


def test_a_program_that_cannot_be_run_is_named(tmp_path: Path, processes: Processes) -> None:
    process = begin(tmp_path, ["/no/such/program"])
    assert processes.wait(process, timeout_seconds=5) == 127
    assert tail(process.log) == "cannot run /no/such/program: No such file or directory"


def test_a_killed_rehearsal_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from rehearsal.machine.processes import start;"
        f"start('x', {SLEEPER!r}, log=Path({str(tmp_path / 'log')!r}), environment={{}});"
        "print('started', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout
    assert parent.stdout.readline() == b"started\n"
    deadline = time.monotonic() + 10
    while "ready" not in tail(tmp_path / "log") and time.monotonic() < deadline:
        time.sleep(0.02)
    tree = psutil.Process(parent.pid).children(recursive=True)
    assert len(tree) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs(tree, timeout=5)
    assert all(is_gone(process.pid) for process in tree)


def test_the_tail_of_a_log_is_its_last_lines_that_are_not_empty(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail(log) == ""
    log.write_text("one\n\ntwo  \nthree\n\n")
    assert tail(log, 2) == "two\nthree"
