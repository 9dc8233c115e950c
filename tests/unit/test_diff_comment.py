"""The pull request's comment shows each environment's diff, within GitHub's limit and without secrets."""

import importlib.util
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SCRIPT = Path(__file__).parents[2] / ".github" / "diff_comment.py"
TOKEN = "of-the-run"

_spec = importlib.util.spec_from_file_location("diff_comment", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
comment: Any = importlib.util.module_from_spec(_spec)
sys.modules["diff_comment"] = comment  # dataclasses look their module up
_spec.loader.exec_module(comment)

NO_DIFFERENCES = (
    "\nStack pardon-staging-registry\nThere were no differences\n\n\n✨  Number of stacks with differences: 0\n"
)
REPLACEMENT = """
Stack pardon-staging-registry
There were no differences
Stack pardon-staging-service
Resources
[~] AWS::ECS::TaskDefinition Task/Definition TaskDefinition21A4D618 replace
 └─ [~] Cpu (requires replacement)
     ├─ [-] 1024
     └─ [+] 2048
[~] AWS::ECS::Service Service Service9571FDD8
 └─ [~] DesiredCount
     ├─ [-] 1
     └─ [+] 3


✨  Number of stacks with differences: 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "diff"
    folder.mkdir()
    return folder


def write(folder: Path, environment: str, text: str, status: int = 0) -> None:
    (folder / f"{environment}.txt").write_text(text, errors="replace")
    (folder / f"{environment}.status").write_text(f"{status}\n")


def compose(folder: Path, *environments: str, **arguments: Any) -> str:
    diffs = [comment.read(folder, environment) for environment in environments]
    return str(comment.compose(diffs, commit="c0ffee", run_url="https://github.example/run/1", **arguments))


def test_the_comment_shows_the_result_of_each_environment(folder: Path) -> None:
    write(folder, "production", NO_DIFFERENCES.replace("staging", "production"))
    write(folder, "staging", REPLACEMENT)
    write(folder, "development", "[0/2] stack\nAccessDenied: no lookup role", status=1)
    body = compose(folder, "production", "staging", "development", "other")
    assert body.startswith(comment.MARKER)
    assert "| production | no differences in 1 stacks |" in body
    assert "| staging | 1 of 2 stacks differ, ⚠️ 1 resource replaced or removed |" in body
    assert "<summary>pardon-staging-service: 2 resources changed, ⚠️ 1 resource replaced or removed</summary>" in body
    assert "pardon-staging-registry" not in body
    assert "| development | ❌ `cdk diff` failed |" in body
    assert "AccessDenied: no lookup role" in body
    assert "| other | ❌ failed before there was a diff |" in body
    assert "c0ffee" in body
    assert "https://github.example/run/1" in body


def test_output_that_is_not_understood_is_shown_and_not_taken_for_no_differences(folder: Path) -> None:
    write(folder, "staging", "something new")
    body = compose(folder, "staging")
    assert "no stack in what `cdk diff` printed" in body
    assert "something new" in body


def test_the_comment_keeps_to_the_limit_and_short_texts_stay_whole(folder: Path) -> None:
    write(folder, "production", REPLACEMENT.replace("staging", "production"))
    write(folder, "staging", REPLACEMENT.replace("DesiredCount", "│ longer\n" * 20_000))
    write(folder, "development", "noise\n" * 20_000 + "the cause", status=1)
    body = compose(folder, "production", "staging", "development")
    assert 64_000 < len(body) <= comment.MAX_CHARACTERS
    assert "[~] DesiredCount\n     ├─ [-] 1\n     └─ [+] 3\n```" in body
    assert body.count("characters cut") == 2
    assert "the cause\n```" in body
    assert body.count("<details>") == body.count("</details>") == 3


def test_a_fence_in_the_diff_does_not_end_the_block(folder: Path) -> None:
    write(folder, "staging", REPLACEMENT.replace("DesiredCount", "````\n</details>"))
    assert body_lines(compose(folder, "staging"), "`````text") == 1
    assert body_lines(compose(folder, "staging"), "`````") == 1


def body_lines(body: str, line: str) -> int:
    return body.splitlines().count(line)


@pytest.mark.parametrize(
    "text",
    [
        "AccessDenied for ASIAQWERTYUIOPASDFGH",
        "postgresql://master:hunter2secret@database:5432/pardon",
        '{"password":"hunter2secret"}',
        "AWS_SECRET_ACCESS_KEY=hunter2secret",
        "aws_session_token = hunter2secret",
        " └─ [~] SecretString\n     ├─ [-] hunter2secret\n     └─ [+] hunter2secret too",
    ],
)
def test_a_credential_never_reaches_the_comment(text: str, folder: Path) -> None:
    for status in (0, 1):
        write(folder, "staging", f"Stack pardon-staging-data\n{text}\n", status=status)
        body = compose(folder, "staging")
        assert "hunter2secret" not in body
        assert "ASIAQWERTYUIOPASDFGH" not in body
        assert comment.HIDDEN in body


@pytest.mark.parametrize(
    "text",
    [
        '"MasterUserPassword":{"Fn::Join":["",[]]}',
        " └─ [~] ManageMasterUserPassword\n     ├─ [-] false\n     └─ [+] true",
        "password: ${Credentials}",
        "PasswordLength: 40",
    ],
)
def test_what_is_no_credential_stays_visible(text: str) -> None:
    assert comment.without_secrets(text) == text


class GitHub(BaseHTTPRequestHandler):
    """The part of GitHub's API that holds comments."""

    comments: list[dict[str, Any]]

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        size, page = int(query["per_page"][0]), int(query["page"][0])
        self._answer(self.comments[size * (page - 1) : size * page])

    def do_POST(self) -> None:
        assert self.path == "/repos/owner/pardon/issues/7/comments"
        self.comments.append({"id": len(self.comments), "user": {"login": comment.AUTHOR}, **self._body()})
        self._answer(self.comments[-1])

    def do_PATCH(self) -> None:
        number = int(self.path.removeprefix("/repos/owner/pardon/issues/comments/"))
        self.comments[number].update(self._body())
        self._answer(self.comments[number])

    def _body(self) -> dict[str, Any]:
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: object) -> None:
        is_allowed = self.headers["Authorization"] == f"Bearer {TOKEN}"
        self.send_response(200 if is_allowed else 401)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode() if is_allowed else b"{}")

    def log_message(self, *_: object) -> None:
        """No log lines."""


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[dict[str, Any]]]:
    GitHub.comments = [{"id": n, "user": {"login": "someone"}, "body": comment.MARKER} for n in range(150)]
    server = HTTPServer(("127.0.0.1", 0), GitHub)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    settings = {
        "GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "owner/pardon",
        "GITHUB_RUN_ID": "1",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_TOKEN": TOKEN,
        "PULL_REQUEST": "7",
        "COMMIT": "c0ffee",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    yield GitHub.comments
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_later_push_updates_the_one_comment(
    github: list[dict[str, Any]], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["diff_comment.py", str(folder), "staging"])
    write(folder, "staging", REPLACEMENT)
    comment.main()
    github.append({"id": len(github), "user": {"login": "someone"}, "body": "looks good"})
    write(folder, "staging", NO_DIFFERENCES)
    comment.main()
    ours = [each["body"] for each in github if each["user"]["login"] == comment.AUTHOR]
    assert len(ours) == 1
    assert "| staging | no differences in 1 stacks |" in ours[0]
    assert [each["body"] for each in github[:150]] == [comment.MARKER] * 150
    assert ours[0] in (tmp_path / "summary.md").read_text()


def test_forty_thousand_backticks_make_no_comment_that_is_refused(folder: Path) -> None:
    write(folder, "staging", REPLACEMENT.replace("DesiredCount", "`" * 40_000))
    body = compose(folder, "staging")
    assert len(body) < 3000
    assert "(backticks: 40000)" in body


@pytest.mark.parametrize("name", ["pardon-staging-{}", "<&>" * 50 + "-{}"])
def test_hundreds_of_stacks_fit_and_those_left_out_are_counted(folder: Path, name: str) -> None:
    diff = REPLACEMENT.split("pardon-staging-service", 1)[1]
    text = "".join(f"\nStack {name.format(number)}{diff}" for number in range(600))
    for environment in ("production", "staging", "development"):
        write(folder, environment, text)
    body = compose(folder, "production", "staging", "development")
    assert len(body) <= comment.MAX_CHARACTERS
    assert body.count("600 of 600 stacks differ") == 3
    assert body.count("not shown: 560 of them") == 3


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.text(st.sampled_from("`<>&\x1b\x07\u202e[~] Stack\n") | st.characters(), max_size=60), max_size=40),
    st.sampled_from([1, 3000]),
)
def test_any_text_is_a_comment_within_the_limit_and_without_terminal_codes(parts: list[str], times: int) -> None:
    text = "\nStack a\n" + "".join(parts) * times
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), "staging", text[:3_000_000])
        body = compose(Path(name), "staging")
    assert len(body) <= comment.MAX_CHARACTERS
    assert [one for one in body if not one.isprintable() and one not in "\n\t"] == []


@pytest.mark.parametrize(
    "word", ["x", "secret", "password", "://", "://a", "://a:", "[~] Token", "_Password", "api_key"]
)
def test_a_long_word_is_redacted_in_time_that_grows_with_its_length(word: str) -> None:
    def seconds(length: int) -> float:
        text, before = word * (length // len(word)), time.process_time()
        comment.without_secrets(text)
        return time.process_time() - before

    assert seconds(400_000) < 100 * max(seconds(40_000), 0.005)
