"""What the probes find becomes a table and an exit code; a probe that AWS refuses is a finding, not a traceback."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from config import PRODUCTION
from procedures.findings import Aws, Finding, State, exit_code, find, table
from procedures.terminal import Terminal

HOLDS = Finding(area="account", subject="credentials", state=State.HOLDS, found="640080112933")
FAILS = Finding(area="quotas", subject="[elastic] IPs", state=State.FAILS, found="5 of 5", mend="aws quotas :secret:")


def holds(_aws: Aws) -> Iterator[Finding]:
    yield HOLDS


def is_refused(_aws: Aws) -> Iterator[Finding]:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListBuckets")
    yield


def found(*probes: object) -> list[Finding]:
    return find(probes, Aws(PRODUCTION), Console(quiet=True))  # type: ignore[arg-type]


def test_a_refused_call_fails_by_name_and_hides_no_other_finding() -> None:
    first, second = found(is_refused, holds)
    assert (first.state, first.subject) == (State.FAILS, "is refused")
    assert "AccessDenied" in first.found
    assert second == HOLDS


@pytest.mark.parametrize(
    ("state", "code"), [(State.HOLDS, 0), (State.NOT_YET, 0), (State.FAILS, 1)], ids=lambda value: str(value)
)
def test_only_a_failure_ends_with_exit_code_1(state: State, code: int) -> None:
    assert exit_code([HOLDS, Finding(area="a", subject="b", state=state, found="c")]) == code


def test_the_table_shows_the_mend_and_takes_brackets_literally() -> None:
    console = Terminal(width=120)
    with console.capture() as captured:
        console.print(table([HOLDS, FAILS], "preflight"))
    text = captured.get()
    assert "[elastic] IPs" in text
    assert "aws quotas :secret:" in text
