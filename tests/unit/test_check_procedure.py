"""Running a check by hand: the result as tables, and a failure with its own message."""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from names import CHECKS
from procedures.check import tables
from procedures.terminal import Terminal, escape, plain

RESULT = {
    "state": "measured",
    "site": {"state": "ok", "latency_milliseconds": 12.5},
    "is_complete": True,
    "nothing": None,
    "pools": [{"pool": "pool-0", "active_threads": 3}, {"pool": "pool-1", "active_threads": 40}],
}


def _text(result: dict[str, object]) -> str:
    console = Terminal(file=io.StringIO(), width=100)
    for table in tables("pool_health", result):
        console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return str(text)


def test_result_is_shown_as_tables() -> None:
    lines = [[cell.strip() for cell in line.split("│") if cell.strip()] for line in _text(RESULT).splitlines()]
    for row in (
        ["state", "measured"],
        ["site: latency milliseconds", "12.5"],
        ["is complete", "yes"],
        ["nothing", "-"],
    ):
        assert row in lines
    assert ["pool-0", "3"] in lines
    assert ["pool-1", "40"] in lines


STRANGE = st.text(st.sampled_from("[]/\\redbold\x1b\x07\u202e\u200b\ud800\x9b :s\r") | st.characters(), max_size=12)


def obeyed(text: str) -> list[str]:
    """Return what a terminal would not show as it is."""
    return [one for one in text if not one.isprintable() and one != "\n"]


_ROW = st.dictionaries(STRANGE, STRANGE, min_size=1, max_size=4)


@given(st.dictionaries(STRANGE, STRANGE | st.lists(_ROW, min_size=1, max_size=3), max_size=4))
def test_whatever_a_result_says_is_shown_as_text(result: dict[str, object]) -> None:
    assert obeyed(_text(result)) == []


@pytest.mark.parametrize("text", ["[/]", "[red]", "[bold]x[/bold]", ":secret:", "\\[", "[link=https://example.com]x"])
def test_markup_is_text_in_a_cell_a_heading_and_a_message(text: str) -> None:
    assert text in _text({"a": text, "b": [{text: text}]})
    console = Terminal(file=io.StringIO(), width=100)
    console.print(text, style="red")
    assert console.file.getvalue() == f"{text}\n"  # type: ignore[attr-defined]


def test_codes_of_a_terminal_are_shown_and_not_obeyed() -> None:
    assert "\\x1b]0;title\\x07" in _text({"a": "\x1b]0;title\x07"})
    assert plain("a\tb\nc\r\x9b2J\u202e\ud800é🙂") == "a\tb\nc\\r\\x9b2J\\u202e\\ud800é🙂"


@given(STRANGE)
def test_what_is_escaped_is_shown_in_markup_as_well(text: str) -> None:
    console = Console(file=io.StringIO(), width=1000, emoji=False, highlight=False)
    console.print(f"[bold]{escape(text)}[/bold]", soft_wrap=True)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert obeyed(shown.replace("\t", "")) == []


def test_every_check_can_be_run() -> None:
    assert "pool_health" in CHECKS


class _Lambda(BaseHTTPRequestHandler):
    answer: bytes = b"{}"
    error: str | None = None
    received: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        if self.error:
            self.send_header("X-Amz-Function-Error", self.error)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def lambda_service() -> Iterator[tuple[str, type[_Lambda]]]:
    service = type("Service", (_Lambda,), {"received": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", service
        server.shutdown()


def _run(endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": endpoint}
    return subprocess.run(
        [sys.executable, "-m", "procedures.check", *arguments],
        env={"PATH": os.environ["PATH"], **credentials, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_named_function_is_invoked_once_with_the_event(lambda_service: tuple[str, type[_Lambda]]) -> None:
    endpoint, service = lambda_service
    service.answer = json.dumps(RESULT).encode()
    ended = _run(endpoint, "pool_health", "--environment", "staging", "--event", '{"dry_run": true}')
    assert ended.returncode == 0, ended.stderr
    assert service.received == [
        ("/2015-03-31/functions/pardon-staging-pool-health/invocations", b'{"dry_run": true}'),
    ]
    assert "pool-1" in ended.stdout
    assert "\x1b[" not in ended.stdout


def test_failure_is_shown_with_its_own_message(lambda_service: tuple[str, type[_Lambda]]) -> None:
    endpoint, service = lambda_service
    service.error = "Unhandled"
    service.answer = json.dumps({"errorType": "DatabaseError", "errorMessage": "no answer [x]"}).encode()
    ended = _run(endpoint, "pool_health", "--environment", "staging")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "pool_health failed with DatabaseError: no answer [x]" in ended.stderr
    assert "aws logs tail /aws/lambda/pardon-staging-pool-health" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["pool_health", "--environment", "prod"], 1, "environment must be one of"),
        (["pool_health", "--environment", "staging", "--event", "{dry"], 2, "--event must be JSON"),
        (["pool_helth", "--environment", "staging"], 2, "invalid choice: 'pool_helth'"),
    ],
)
def test_bad_command_line_is_refused_before_anything_is_called(
    lambda_service: tuple[str, type[_Lambda]], arguments: list[str], code: int, message: str
) -> None:
    endpoint, service = lambda_service
    ended = _run(endpoint, *arguments)
    assert (ended.returncode, service.received) == (code, [])
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unreachable_lambda_is_an_error() -> None:
    ended = _run("http://127.0.0.1:9", "pool_health", "--environment", "staging")
    assert ended.returncode == 1
    assert "pardon-staging-pool-health in us-east-1 cannot be invoked" in ended.stderr
