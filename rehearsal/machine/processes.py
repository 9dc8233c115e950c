"""Start, watch and end the programs of a rehearsal; none of them outlives it.

Each runs below its tether (`tether.py`) in its own session, with its output in a log file.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_TETHER = Path(__file__).with_name("tether.py")
_POLL_SECONDS = 0.03
_LATE_SECONDS = 0.3
_LOG_TAIL_LINES = 15


class ProcessError(Exception):
    """A program of the rehearsal ended when it should not have; the message names it, how, and its log."""

    def __init__(self, name: str, what: str, log: Path) -> None:
        self.name, self.what, self.log = name, what, log
        super().__init__(f"{name} {what}")
        self.add_note(self.log_tail)  # for readers of a traceback

    @property
    def log_tail(self) -> str:
        """The last lines of the program's log."""
        return tail(self.log)


class CancelledError(Exception):
    """The run has failed elsewhere, so this wait was cancelled."""


def tail(log: Path, lines: int = _LOG_TAIL_LINES) -> str:
    """Return the last non-empty lines of a log; empty when there is none."""
    if not log.exists():
        return ""
    text = log.read_text(errors="replace").splitlines()
    return "\n".join([line.rstrip() for line in text if line.strip()][-lines:])


@dataclass
class Process:
    """A running program.

    Attributes: name for people; pid of its tether (also the session of all it starts); log with its output.
    """

    name: str
    log: Path
    popen: subprocess.Popen[bytes]
    grace_seconds: float

    @property
    def is_running(self) -> bool:
        """Whether the program still runs."""
        return self.popen.poll() is None

    def end_description(self) -> str:
        """Describe how the program ended: `exited with code 3`, `was killed by SIGKILL`."""
        code = self.popen.poll()
        if code is None:
            return "is still running"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"exited with code {code}"

    def stop(self) -> None:
        """Ask it to stop, wait its grace period, and make sure that nothing of its session is left."""
        self.begin_stop()
        try:
            self.popen.wait(self.grace_seconds + 2)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        for pid in psutil.pids():
            kill_if_in_session(pid, self.popen.pid)

    def begin_stop(self) -> None:
        """Ask it to stop, without waiting."""
        if self.popen.stdin is not None and not self.popen.stdin.closed:
            self.popen.stdin.close()


def kill_if_in_session(pid: int, session: int) -> None:
    """Kill `pid` when it belongs to the session that a tether led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getsid(pid) == session:
            os.kill(pid, signal.SIGKILL)


def start(
    name: str,
    arguments: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str],
    folder: Path | None = None,
    errors_log: Path | None = None,
    user: int | None = None,
    group: int | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    grace_seconds: float = 5,
) -> Process:
    """Start a program below a tether.

    Args:
        log: receives its output (appended); standard error too unless errors_log is given.
        environment: all of its environment, nothing is inherited.
        folder: where it runs; the current one otherwise.
        user, group: ids to run it as, when this process is root.
        stop_signal: what asks it to stop; it is killed grace_seconds later.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    order = {
        "argv": [str(argument) for argument in arguments],
        "user": user,
        "group": group,
        "stop_signal": int(stop_signal),
        "grace_seconds": grace_seconds,
    }
    with log.open("ab") as output, (errors_log or log).open("ab") as errors:
        popen = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_TETHER)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
            bufsize=0,
        )
    assert popen.stdin is not None  # noqa: S101
    with contextlib.suppress(BrokenPipeError):  # it died at once, as its exit code shows
        popen.stdin.write(json.dumps(order).encode() + b"\n")
    return Process(name, log, popen, grace_seconds)


@dataclass
class Processes:
    """All programs of one rehearsal: the servers, which must run until the end, and short commands."""

    servers: list[Process] = field(default_factory=list)
    _is_cancelled: bool = False

    def watch(self, server: Process) -> Process:
        """From now on the end of this server is an error, in every step."""
        self.servers.append(server)
        return server

    def cancel(self) -> None:
        """End every wait: the run has failed."""
        self._is_cancelled = True

    def check(self) -> None:
        """Raise ProcessError when a server has ended, CancelledError when the run has failed elsewhere."""
        for server in self.servers:
            if not server.is_running:
                raise ProcessError(server.name, server.end_description(), server.log)
        if self._is_cancelled:
            raise CancelledError

    def check_soon(self) -> None:
        """Check now and a moment later: a client of a dying server may fail before the server's end is seen."""
        self.check()
        time.sleep(_LATE_SECONDS)
        self.check()

    def until(
        self,
        is_done: Callable[[], bool],
        *,
        timeout_seconds: float,
        what: str,
        pause_seconds: float = _POLL_SECONDS,
    ) -> None:
        """Poll until done, while all servers run.

        Raises: ProcessError when a server ends meanwhile, TimeoutError after timeout_seconds.
        """
        deadline = time.monotonic() + timeout_seconds
        while not is_done():
            self.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: not within {timeout_seconds:.0f} s")
            time.sleep(pause_seconds)

    def wait(self, process: Process, *, timeout_seconds: float) -> int:
        """Wait for a command and return its exit code; end it when a server ends or time runs out."""
        try:
            self.until(lambda: not process.is_running, timeout_seconds=timeout_seconds, what=f"{process.name} ended")
        except BaseException:
            process.stop()
            raise
        process.begin_stop()
        code: int = process.popen.returncode
        if code:
            self.check_soon()  # a command that fails because a server died: the server is the cause
        return code

    def stop(self) -> None:
        """End all servers, in parallel."""
        for server in self.servers:
            server.begin_stop()
        for server in self.servers:
            server.stop()
        self.servers.clear()
