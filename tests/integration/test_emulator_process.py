"""The emulator as a process: it refuses a taken port, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from rehearsal import ROOT
from rehearsal.machine.ports import free_port
from tests.integration.emulator_process import Emulator, answers, command, eventually, function


def test_taken_port_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = subprocess.run(
            command(port, tmp_path), cwd=ROOT, capture_output=True, text=True, check=False, timeout=10
        )

    assert ended.returncode == 1
    assert ended.stderr == f"emulator: port {port} is taken: another program listens on 127.0.0.1:{port}\n"


@pytest.mark.parametrize("killed", ["parent", "emulator"])
def test_nothing_stays_when_a_process_is_killed(killed: str, tmp_path: Path) -> None:
    port = free_port()
    starts_and_waits = f"import subprocess; subprocess.run({command(port, tmp_path)!r})"
    parent = subprocess.Popen([sys.executable, "-c", starts_and_waits], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: answers(port), 15)
        started = psutil.Process(parent.pid).children()[0]
        emulator = Emulator(port, tmp_path, parent)
        busy = emulator.deploy("busy", function([]))["Function"]
        emulator.client("lambda").invoke(FunctionName=busy, InvocationType="Event", Payload='{"sleep_seconds": 60}')
        worker = eventually(started.children)[0]

        os.kill(parent.pid if killed == "parent" else started.pid, signal.SIGKILL)

        eventually(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
        eventually(lambda: not started.is_running() or started.status() == psutil.STATUS_ZOMBIE)
    finally:
        parent.kill()
        parent.wait()
