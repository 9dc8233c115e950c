"""The Coral server of one task: which threads a pool has there, and closing one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import quote

from ops_lambdas.shared.bounds import shown
from ops_lambdas.shared.http import HttpClient, HttpError, NotJsonError

# Ids of threads are UUIDs of 36 characters; one that is far longer is something else.
_MAX_ID_LENGTH = 200

Outcome = Literal["closed", "gone", "failed", "unreachable", "out_of_time", "late"]


class CoralError(RuntimeError):
    """A pool's threads could not be listed.

    Attributes:
        kind: "unreachable": no connection, or no answer in time; "absent": this Coral server has no such pool
            (404); "failed": any other answer, or none; "out_of_time": the client's time was up.
    """

    def __init__(self, kind: Literal["unreachable", "absent", "failed", "out_of_time", "late"], message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Thread(NamedTuple):
    """A thread on a Coral server: its pool, and its id there."""

    pool: str
    id: str


@dataclass(frozen=True)
class Closing:
    """The outcome of closing one thread.

    Attributes:
        outcome: "closed"; "gone": there was none (404 of a server that has answered a list), as good as closed;
            "failed": it may still be open; "unreachable": no connection, or no answer in time; "out_of_time": the
            client's time was up; "late": it might not be sent any more, and was not.
        reason: why, when it is neither closed nor gone.
    """

    outcome: Outcome
    reason: str = ""


@dataclass
class Coral:
    """One task's Coral server.

    Args:
        address: IPv4 address of the task.
        has_listed: it has answered a list, so it has the threads API; the public Coral server has not.
    """

    client: HttpClient
    address: str
    port: int
    has_listed: bool = False

    def threads(self, pool: str) -> list[str]:
        """List the ids of a pool's threads, each once.

        Raises:
            CoralError: they could not be listed; one unusable id makes the whole list invalid, because it shows
                that this is not the API that we know.
        """
        try:
            answer = self.client.request("GET", self._url(pool))
        except HttpError as error:
            raise CoralError(_kind(error), f"{self._name(pool)}: {error.kind}: {error}") from error
        if answer.status != 200:
            raise CoralError(
                "absent" if answer.status == 404 else "failed", f"{self._name(pool)}: status {answer.status}"
            )
        try:
            ids = answer.json()
        except NotJsonError as error:
            raise CoralError("failed", f"{self._name(pool)}: {error}") from error
        if not isinstance(ids, list):
            raise CoralError("failed", f"{self._name(pool)}: threads must be a list, got {type(ids).__name__}")
        self.has_listed = True
        for thread in ids:
            if not is_usable_id(thread):
                allowed = f"text of 1 to {_MAX_ID_LENGTH} printable characters"
                raise CoralError("failed", f"{self._name(pool)}: a thread's id must be {allowed}, got {shown(thread)}")
        return list(dict.fromkeys(ids))

    def close(self, pool: str, thread: str, *, may_send: Callable[[], bool] | None = None) -> Closing:
        """Close one thread. Closing it again does no harm.

        Args:
            thread: an id that `is_usable_id` accepts; others are refused without a call.
            may_send: asked right before the request is sent.
        """
        if not is_usable_id(thread):
            return Closing("failed", f"{shown(thread)} is not a thread's id")
        try:
            answer = self.client.request("DELETE", f"{self._url(pool)}/{quote(thread, safe='')}", may_send=may_send)
        except HttpError as error:
            return Closing(_kind(error), f"{error.kind}: {error}")
        if 200 <= answer.status < 300:
            return Closing("closed")
        if answer.status == 404 and self.has_listed:
            return Closing("gone")
        return Closing("failed", f"status {answer.status}")

    def _url(self, pool: str) -> str:
        return f"http://{self.address}:{self.port}/api/v1/sessions/{quote(pool, safe='')}/threads"

    def _name(self, pool: str) -> str:
        return f"threads of {pool} at {self.address}:{self.port}"


def is_usable_id(thread: object) -> bool:
    """Whether a thread's id keeps its meaning in a URL and in a query.

    "." and ".." would lead to another address, an empty id to the whole pool's; what cannot be printed is not
    valid text for PostgreSQL or UTF-8.
    """
    return (
        isinstance(thread, str)
        and 0 < len(thread) <= _MAX_ID_LENGTH
        and thread.isprintable()
        and thread not in (".", "..")
    )


def _kind(error: HttpError) -> Literal["unreachable", "failed", "out_of_time", "late"]:
    match error.kind:
        case "unreachable" | "timeout":
            return "unreachable"
        case "broken":
            return "failed"
        case "out_of_time" | "late":
            return error.kind
