"""Running a check's handler as its Lambda does, and reading what it wrote."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from unittest import mock

import pytest

from tests.integration.checks.conftest import CONTEXT
from tests.integration.checks.servers import Exchange, answers


@dataclass
class Running:
    """A check's handler.

    Attributes: values, its metrics; logs, its other lines; text, all that it wrote.
    """

    handler: ModuleType
    capsys: pytest.CaptureFixture[str]
    values: dict[str, float] = field(default_factory=dict)
    logs: list[dict[str, Any]] = field(default_factory=list)
    text: str = ""

    def __call__(self, event: object = None) -> Any:
        try:
            with mock.patch.object(self.handler.logger.handlers[0], "stream", sys.stdout):
                result = self.handler.handler(event, CONTEXT)
        finally:
            self.text = self.capsys.readouterr().out
            lines = [json.loads(line) for line in self.text.splitlines()]
            self.logs = [line for line in lines if "_aws" not in line]
            self.values = {
                name: value[0]
                for line in lines
                if "_aws" in line
                for name, value in line.items()
                if isinstance(value, list)
            }
        json.dumps(result, allow_nan=False)
        return result


@dataclass
class Aws:
    """Answers each operation of AWS's JSON protocols by a function of its parameters; a behaviour for `serving`.

    Attributes: requests, operations and their parameters.
    """

    operations: Mapping[str, Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]]
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, exchange: Exchange) -> None:
        operation = exchange.request.headers["x-amz-target"].rpartition(".")[2]
        parameters = json.loads(exchange.request.body)
        self.requests.append((operation, parameters))
        status, body = self.operations[operation](parameters)
        answers(status, body, content_type="application/x-amz-json-1.1")(exchange)

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of each request of an operation."""
        return [parameters for name, parameters in self.requests if name == operation]
