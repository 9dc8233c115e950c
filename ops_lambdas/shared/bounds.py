"""What a check logs and returns fits the services' limits, whatever tables, site, Coral or AWS say.

CloudWatch Logs does not store an event that is too large, and Lambda refuses a result of more than 6 MB.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import functools
import json
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from aws_lambda_powertools import Logger

MAX_BYTES = 200_000
_MAX_CHARACTERS, _MAX_ITEMS, _MAX_DEPTH = 4_000, 200, 12

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
    """Return a copy of a result, with texts and lists cut so that it stays below MAX_BYTES as JSON."""
    characters, items = _MAX_CHARACTERS, _MAX_ITEMS
    while True:
        copy = _bounded(value, characters, items, _MAX_DEPTH)
        if len(json.dumps(copy, default=str)) <= MAX_BYTES or items <= 1:
            return cast(Result, copy)
        characters, items = max(characters // 2, 20), items // 2


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
    return json.dumps(bounded(record), default=str, ensure_ascii=False)


def _bounded(value: Any, characters: int, items: int, depth: int) -> Any:
    if isinstance(value, str):
        return cut(value, characters)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**18:
        return shown(value)
    if isinstance(value, (list, tuple, dict)) and not depth:
        return "…"
    if isinstance(value, (list, tuple)):
        return type(value)(_bounded(one, characters, items, depth - 1) for one in value[:items])
    if isinstance(value, dict):
        some = list(value.items())[: max(items, 50)]
        return {cut(str(key), 200): _bounded(one, characters, items, depth - 1) for key, one in some}
    return value
