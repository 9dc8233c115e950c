"""Coral servers of many tasks, each on its own loopback address, that record what was closed on them.

    with Corals(3) as corals:
        corals.tasks[0].open("pool-0", "a")

As a program it serves until its input ends, and opens its threads again at each line of the input:
`python -m tests.integration.checks.corals --tasks 10 --threads 10000 --answer-seconds 0.02`.
"""

import argparse
import asyncio
import json
import socket
import sys
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import unquote

# The cleanups call nothing else of Coral.
_PATH = ("", "api", "v1", "sessions")


@dataclass
class CoralTask:
    """One task's Coral server.

    Attributes:
        pools: its threads, a set for each pool.
        closed: (pool, thread) in the order of their closing; calls for those it does not hold are in `missed`.
        has_threads_api: False as the public Coral server, which answers 404.
        on_request: called with each request's method and target before it is answered.
    """

    id: str
    address: str
    pools: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    closed: list[tuple[str, str]] = field(default_factory=list)
    missed: list[tuple[str, str]] = field(default_factory=list)
    connections: int = 0
    has_threads_api: bool = True
    on_request: Callable[[str, str], None] = lambda _method, _target: None

    def open(self, pool: str, *threads: str) -> None:
        self.pools[pool].update(threads)

    def answer(self, method: str, target: str) -> tuple[int, object]:
        self.on_request(method, target)
        if not self.has_threads_api:
            return 404, {"error": f"no such route: {target}"}
        match target.split("/"):
            case [*start, pool, "threads"] if tuple(start) == _PATH and method == "GET":
                return 200, sorted(self.pools[unquote(pool)])
            case [*start, pool, "threads", quoted] if tuple(start) == _PATH and method == "DELETE":
                pool, thread = unquote(pool), unquote(quoted)
                if thread not in self.pools[pool]:
                    self.missed.append((pool, thread))
                    return 404, {"error": "no such thread"}
                self.pools[pool].remove(thread)
                self.closed.append((pool, thread))
                return 200, {"closed": thread}
        return 405, {"error": f"{method} {target}"}


class Corals:
    """Coral servers on 127.0.0.2, 127.0.0.3, … and one port, in their own thread.

    Args:
        answer_seconds: how long each answer takes.
    """

    def __init__(self, tasks: int, *, answer_seconds: float = 0) -> None:
        self.tasks = [CoralTask(uuid.uuid4().hex, f"127.0.0.{2 + number}") for number in range(tasks)]
        self.answer_seconds = answer_seconds
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        listeners = self._listeners()
        self._thread.start()
        for task, listener in zip(self.tasks, listeners, strict=True):

            def protocol(task: CoralTask = task) -> asyncio.Protocol:
                return _Connection(task, self.answer_seconds)

            starting = self._loop.create_server(protocol, sock=listener)
            asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def held(self) -> set[tuple[str, str, str]]:
        """Return what is open: task, pool and thread."""
        return {
            (task.id, pool, thread) for task in self.tasks for pool, threads in task.pools.items() for thread in threads
        }

    def closed(self) -> set[tuple[str, str, str]]:
        """Return what was closed: task, pool and thread."""
        return {(task.id, pool, thread) for task in self.tasks for pool, thread in task.closed}

    def _listeners(self) -> list[socket.socket]:
        """Take one port on all addresses."""
        for _ in range(20):
            listeners: list[socket.socket] = []
            try:
                for task in self.tasks:
                    listeners.append(socket.create_server((task.address, self.port), backlog=128))
                    self.port = listeners[0].getsockname()[1]
            except OSError:  # it is taken on one of them
                self.port = 0
                for listener in listeners:
                    listener.close()
            else:
                return listeners
        raise RuntimeError("no port is free on all addresses")


class _Connection(asyncio.Protocol):
    """Requests without bodies, one after another."""

    def __init__(self, task: CoralTask, answer_seconds: float) -> None:
        self._task = task
        self._answer_seconds = answer_seconds
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._task.connections += 1
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            if self._answer_seconds:
                asyncio.get_running_loop().call_later(self._answer_seconds, self._answer, method, target)
            else:
                self._answer(method, target)

    def _answer(self, method: str, target: str) -> None:
        status, body = self._task.answer(method, target)
        content = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        assert isinstance(self._transport, asyncio.WriteTransport)
        self._transport.write(head.encode() + content)


def main() -> None:
    """Print the port and the addresses as JSON, then a line each time the threads are open."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True, help="in all, thread-0 and on, task by task")
    parser.add_argument("--pools", default="pool-0,pool-1,pool-2,pool-3,pool-4")
    parser.add_argument("--answer-seconds", type=float, default=0)
    arguments = parser.parse_args()
    pools = arguments.pools.split(",")
    with Corals(arguments.tasks, answer_seconds=arguments.answer_seconds) as corals:
        addresses = {task.id: task.address for task in corals.tasks}
        print(json.dumps({"port": corals.port, "addresses": addresses}), flush=True)
        for _line in sys.stdin:
            for number in range(arguments.threads):
                task = corals.tasks[number % arguments.tasks]
                task.open(pools[number // arguments.tasks % len(pools)], f"thread-{number}")
            print("open", flush=True)


if __name__ == "__main__":
    main()
