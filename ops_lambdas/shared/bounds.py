"""What a check logs and returns fits the services' limits, whatever tables, site, Coral or AWS say.

CloudWatch Logs does not store an event that is too large, and Lambda refuses a result of more than 6 MB.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from aws_lambda_powertools import Logger

MAX_BYTES = 200_000
_MAX_CHARACTERS, _MAX_ITEMS, _MAX_DEPTH, _MAX_KEY = 4_000, 200, 12, 200

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def cut(text: str, characters: int) -> str:
    """Return a text of at most so many characters, which show that it went on, and that UTF-8 can hold."""
    shown = text[:characters].encode(errors="backslashreplace").decode()
    return shown if len(text) <= characters else f"{shown[: characters - 1]}…"


def shown(value: object, characters: int = 80) -> str:
    """Return the beginning of a value's representation; a text of a stranger stays short and printable."""
    try:
        text = repr(value[:characters] if isinstance(value, (str, bytes, list)) else value)
    except (RecursionError, ValueError):  # nested too deeply, or an integer of thousands of digits
        text = f"a {type(value).__name__}"
    return cut(text, characters)


def bounded(value: Result) -> Result:
    """Return a copy of a result, with texts and lists cut so that it stays below MAX_BYTES as JSON.

    No more than that is ever built: a copy is cut first where it goes beyond its room, and again with half of the room
    where its characters take more bytes.
    """
    characters, items, room = _MAX_CHARACTERS, _MAX_ITEMS, MAX_BYTES
    while True:
        copy = _Copy(characters, items, room).of(value)
        if len(json.dumps(copy)) <= MAX_BYTES:
            return cast(Result, copy)
        characters, items, room = max(characters // 2, 20), max(items // 2, 5), room // 2


def bounded_result(handler: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorate a function so that what it returns is bounded."""

    @functools.wraps(handler)
    def run(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        return bounded(handler(*arguments, **named))

    return run


def check_logger() -> Logger:
    """Return a check's logger: JSON lines in UTC, each within the limits."""
    return Logger(utc=True, json_serializer=_line)


def _line(record: dict[str, Any]) -> str:
    return json.dumps(bounded(record), ensure_ascii=False)


@dataclass
class _Copy:
    """A copy with at most so many characters in all."""

    characters: int
    items: int
    room: int

    def of(self, value: Any, depth: int = _MAX_DEPTH) -> Any:
        self.room -= 10
        if isinstance(value, str):
            return self._text(value, self.characters)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**18:
            return shown(value)
        if isinstance(value, (list, tuple, dict)) and not depth:
            return "…"
        if isinstance(value, (list, tuple)):
            kind = tuple if isinstance(value, tuple) else list
            return kind(self.of(one, depth - 1) for one in value[: self.items] if self.room > 0)
        if isinstance(value, dict):
            some = list(value.items())[: max(self.items, 50)]
            return {self._text(str(key), _MAX_KEY): self.of(one, depth - 1) for key, one in some if self.room > 0}
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self._text(str(value), self.characters)

    def _text(self, text: str, characters: int) -> str:
        short = cut(text, max(min(characters, self.room), 1))
        self.room -= len(short)
        return short
