"""Run one program that cannot outlive the rehearsal, however the rehearsal ends.

It starts as a separate program, with an order (one line of JSON) on standard input. That input is the
tether: as soon as it closes, because the rehearsal closed it or was killed, the program and everything in
its process group are asked to stop, and killed after a grace period. Otherwise the tether ends as its
program ends: with the same exit code, or by the same signal. Either way nothing that the program started
survives (on Linux not even detached processes). Few imports, all of the standard library, because every
program of the rehearsal starts through it.
"""

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time

_PASSED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123 (pathlib is slow to import)
            return [int(pid) for pid in file.read().split()]
    except OSError:  # not Linux, or not in this kernel
        return []


def end_orphans() -> None:
    """Kill and reap every child of this process, those that it adopted too."""
    while children := _children():
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        for pid in children:
            os.waitpid(pid, 0)


def _read_order() -> dict[str, object]:
    line = b""
    while not line.endswith(b"\n"):
        chunk = os.read(0, 65536)
        if not chunk:
            sys.exit(1)
        line += chunk
    order: dict[str, object] = json.loads(line)
    return order


def _start(order: dict[str, object]) -> int:
    arguments = [str(argument) for argument in order["argv"]]  # type: ignore[attr-defined]
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        for number in (*_PASSED_ON, signal.SIGPIPE, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if order["user"] is not None:
            os.setgroups([])
            os.setgid(int(str(order["group"])))
            os.setuid(int(str(order["user"])))
        os.execvp(arguments[0], arguments)  # noqa: S606
    except OSError as error:
        os.write(2, f"cannot run {arguments[0]}: {error.strerror}\n".encode())
    os._exit(127)


def _signal_group(pid: int, number: int) -> None:
    try:  # noqa: SIM105 (contextlib would be one more import)
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):  # gone; macOS answers "not permitted" for a zombie's group
        pass


def _reap(pid: int) -> int | None:
    """Reap what has ended, adopted orphans too; return the wait status of `pid` when it was among it."""
    while True:
        gone, status = os.waitpid(-1, os.WNOHANG)
        if gone == pid:
            return status
        if not gone:
            return None


def _supervise(pid: int, stop_signal: int, grace_seconds: float, wakeup: int) -> int:
    """Wait for the program, or for the tether to close; return the wait status."""
    while (status := _reap(pid)) is None:
        ready, _, _ = select.select([0, wakeup], [], [])
        if wakeup in ready:
            os.read(wakeup, 1024)
        if 0 in ready and not os.read(0, 1024):
            break
    else:
        return status
    _signal_group(pid, stop_signal)
    deadline = time.monotonic() + grace_seconds
    while (status := _reap(pid)) is None and (left := deadline - time.monotonic()) > 0:
        if select.select([wakeup], [], [], left)[0]:
            os.read(wakeup, 1024)
    if status is None:
        _signal_group(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    return status


def main() -> None:
    """Read the order, run the program, end as it ends."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for ignored in _PASSED_ON:
        signal.signal(ignored, signal.SIG_IGN)
    adopt_orphans()
    order = _read_order()
    pid = _start(order)
    status = _supervise(pid, int(str(order["stop_signal"])), float(str(order["grace_seconds"])), readable)
    _signal_group(pid, signal.SIGKILL)  # what the program left behind in its group
    end_orphans()
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
