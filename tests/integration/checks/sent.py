"""What the cleanups asked the database and sent to Coral, and when: the promise that a DELETE is sent in time."""

import http.client
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest

from ops_lambdas.shared.closing import _Queue as Queue
from ops_lambdas.shared.fleet import Held


@dataclass(frozen=True)
class Question:
    """A question to the database that allowed a thread: when it was asked and answered."""

    asked: float
    answered: float


@dataclass(frozen=True)
class Delete:
    """A DELETE as it was sent, with the last question that allowed its thread."""

    thread: str
    sent: float
    question: Question


@dataclass
class Sent:
    """What was sent, with the moments of a clock."""

    clock: Callable[[], float]
    deletes: list[Delete] = field(default_factory=list)

    def slowest(self) -> float:
        """Return the longest time between an answer and a DELETE that it justified, in seconds."""
        return max((one.sent - one.question.answered for one in self.deletes), default=0)


def recorded(monkeypatch: pytest.MonkeyPatch, clock: Callable[[], float] = time.monotonic) -> Sent:
    """Record from now on."""
    sent, here = Sent(clock), threading.local()
    justify, take, send = Queue._justify, Queue.next, http.client.HTTPConnection.send
    asked: dict[tuple[int, float], float] = {}

    def justifying(self: Queue, chunk: Sequence[Held]) -> None:
        began = clock()
        justify(self, chunk)
        asked[id(self), self._answered_at] = began

    def taking(self: Queue) -> tuple[Held, float] | None:
        turn = take(self)
        if turn:
            here.question = Question(asked[id(self), turn[1]], turn[1])
        return turn

    def sending(self: http.client.HTTPConnection, data: Any) -> None:
        method, target, *_ = bytes(data).split(b" ", 2)
        if method == b"DELETE":
            thread = unquote(target.decode()).rpartition("/")[2]
            sent.deletes.append(Delete(thread, clock(), here.question))
        send(self, data)

    monkeypatch.setattr(Queue, "_justify", justifying)
    monkeypatch.setattr(Queue, "next", taking)
    monkeypatch.setattr(http.client.HTTPConnection, "send", sending)
    return sent
