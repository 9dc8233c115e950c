"""The site is asked with the cron secret before only while there is time for a whole answer."""

from types import SimpleNamespace

import pytest

from ops_lambdas.shared import site
from ops_lambdas.shared.http import Answer
from ops_lambdas.shared.secret_values import CURRENT, SecretError


def called_with(
    monkeypatch: pytest.MonkeyPatch, *, call_seconds: float, previous: str | None = "previous"
) -> list[str]:
    """Ask a site that refuses every secret, with 10 seconds for its answers; return the secrets it was called with."""
    now, called = [0.0], []

    def secret(_arn: str, stage: str, seconds: float) -> str:
        if stage == CURRENT:
            return "current"
        if previous is None or seconds <= 0:
            raise SecretError("there is none")
        return previous

    def ask_with(value: str, _url: str, seconds: float) -> tuple[Answer, float]:
        assert seconds > 0
        called.append(value)
        now[0] += call_seconds
        return Answer(401, b""), 1.0

    monkeypatch.setattr(site, "_cron_secret", secret)
    monkeypatch.setattr(site, "_ask_with", ask_with)
    monkeypatch.setattr(site, "_SECRET_SECONDS", 1)
    monkeypatch.setattr(site, "time", SimpleNamespace(monotonic=lambda: now[0]))
    answer, _ = site.ask("https://site.example.com", "arn", seconds=10)
    assert answer.status == 401
    return called


@pytest.mark.parametrize(
    ("call_seconds", "called"),
    [(0.1, ["current", "previous"]), (5.9, ["current", "previous"]), (6.1, ["current"]), (11.5, ["current"])],
)
def test_it_is_asked_again_while_half_of_its_time_is_left(
    monkeypatch: pytest.MonkeyPatch, call_seconds: float, called: list[str]
) -> None:
    assert called_with(monkeypatch, call_seconds=call_seconds) == called


@pytest.mark.parametrize("previous", [None, "current"])
def test_without_another_secret_before_it_is_asked_once(monkeypatch: pytest.MonkeyPatch, previous: str | None) -> None:
    assert called_with(monkeypatch, call_seconds=0.1, previous=previous) == ["current"]
