"""A secret's new value: what is typed is what is kept, or nothing is."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from config import PRODUCTION
from procedures import secret
from procedures.secret import SecretValueError, main, put, readers, typed_value


class Manager:
    """Secrets Manager that keeps the last value, or refuses with a code."""

    def __init__(self, refusal: str = "") -> None:
        self.kept: dict[str, str] = {}
        self.refusal = refusal

    def put_secret_value(self, *, SecretId: str, SecretString: str) -> None:  # noqa: N803 - boto3's names
        if self.refusal:
            raise ClientError({"Error": {"Code": self.refusal, "Message": "It cannot."}}, "PutSecretValue")
        self.kept[SecretId] = SecretString


def piped(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


@given(value=st.text(min_size=1).filter(lambda text: text.strip() and text == text.removesuffix("\r")))
def test_any_characters_survive(value: str) -> None:
    manager = Manager()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(secret, "client", lambda *_: manager)
        piped(monkeypatch, f"{value}\n")
        put(PRODUCTION, "openai-api-key", typed_value())
    assert json.loads(manager.kept["pardon-production/openai-api-key"]) == {"value": value}


@pytest.mark.parametrize("text", ["", "\n", "  \n", "\r\n"])
def test_an_empty_value_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    piped(monkeypatch, text)
    with pytest.raises(SecretValueError, match="is empty; nothing was changed"):
        typed_value()


@pytest.mark.parametrize(("again", "is_kept"), [("one", True), ("other", False)])
def test_on_a_terminal_it_is_typed_twice(monkeypatch: pytest.MonkeyPatch, again: str, is_kept: bool) -> None:
    answers = iter(("one", again))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
    if is_kept:
        assert typed_value() == "one"
    else:
        with pytest.raises(SecretValueError, match="differ; nothing was changed"):
            typed_value()


@pytest.mark.parametrize(
    ("name", "refusal", "message"),
    [
        ("openai", "", "NAME must be one of cron-secret, agent-api-key"),
        ("database-url", "", "NAME must be one of"),
        ("openai-api-key", "ResourceNotFoundException", "Is pardon-production-secrets deployed in us-east-1?"),
        ("openai-api-key", "AccessDeniedException", "AccessDenied"),
    ],
)
def test_what_cannot_be_filled_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, refusal: str, message: str
) -> None:
    manager = Manager(refusal)
    monkeypatch.setattr(secret, "client", lambda *_: manager)
    piped(monkeypatch, "value")
    assert main(["--environment", "production", "--name", name]) == 1
    output: Any = capsys.readouterr()
    assert message in output.err
    assert "value" not in output.out
    assert not manager.kept


def test_from_a_pipe_it_restarts_nothing_and_says_how(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manager = Manager()
    monkeypatch.setattr(secret, "client", lambda *_: manager)
    piped(monkeypatch, "s3cret")
    assert main(["--environment", "production", "--name", "cron-secret"]) == 0
    output = capsys.readouterr().out
    assert "by web." in output
    assert "--force-new-deployment" in output
    assert "s3cret" not in output
    assert readers(PRODUCTION, "openai-api-key") == tuple(
        one.name for one in PRODUCTION.containers if one.name.startswith("agent-")
    )
