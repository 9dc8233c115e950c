"""Coral's thread API: how each answer is read, and that ids from outside cannot change the address."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lambdas.shared.coral import Closing, Coral, CoralError, is_usable_id
from ops_lambdas.shared.http import HttpClient
from tests.integration.checks import servers
from tests.integration.checks.servers import Behaviour, Server, answers, serving


def listed(server: Server, pool: str = "pool-0") -> list[str]:
    with HttpClient(seconds=5, answer_seconds=0.2) as client:
        return Coral(client, server.host, server.port).threads(pool)


def closing(server: Server, thread: str = "t") -> Closing:
    with HttpClient(seconds=5, answer_seconds=0.2) as client:
        return Coral(client, server.host, server.port).close("pool-0", thread)


def test_threads_are_listed_each_once() -> None:
    with serving(answers(200, ["b", "a", "b"])) as server:
        assert listed(server, "a pool/?#") == ["b", "a"]
    assert (server.requests[0].method, server.requests[0].target) == (
        "GET",
        "/api/v1/sessions/a%20pool%2F%3F%23/threads",
    )


@pytest.mark.parametrize(
    ("behaviour", "kind", "message"),
    [
        (answers(404), "absent", "status 404"),
        (answers(401), "failed", "status 401"),
        (answers(204, b""), "failed", "status 204"),
        (answers(500), "failed", "status 500"),
        (answers(200, b"<html>"), "failed", "not JSON"),
        (answers(200, {"threads": []}), "failed", "must be a list, got dict"),
        (answers(200, -1), "failed", "must be a list, got int"),
        (answers(200, ["a", 1]), "failed", "printable characters, got 1"),
        (answers(200, ["x" * 1000]), "failed", "printable characters, got 'xxx"),
        (servers.sends_half(["a"]), "failed", "broken"),
        (servers.resets, "failed", "broken"),
        (servers.hangs, "unreachable", "timeout"),
    ],
)
def test_what_is_no_list_of_ids_is_an_error(behaviour: Behaviour, kind: str, message: str) -> None:
    with serving(behaviour) as server, pytest.raises(CoralError, match=message) as caught:
        listed(server)
    assert caught.value.kind == kind
    assert str(caught.value).startswith(f"threads of pool-0 at {server.host}:{server.port}: ")
    assert len(str(caught.value)) < 400


def test_a_404_counts_as_gone_on_a_server_that_has_answered_a_list() -> None:
    turns = servers.in_turn(answers(404), answers(404), answers(200, []), answers(404))
    with serving(turns) as server, HttpClient(seconds=10) as client:
        coral = Coral(client, server.host, server.port)
        with pytest.raises(CoralError):
            coral.threads("pool-0")
        assert coral.close("pool-0", "a").outcome == "failed"
        coral.threads("pool-0")
        assert coral.close("pool-0", "a").outcome == "gone"


@pytest.mark.parametrize(
    ("behaviour", "outcome", "reason"),
    [
        (answers(200), "closed", ""),
        (answers(202), "closed", ""),
        (answers(204, b""), "closed", ""),
        (answers(404), "failed", "status 404"),
        (answers(401), "failed", "status 401"),
        (answers(500), "failed", "status 500"),
        (answers(302), "failed", "status 302"),
        (servers.resets, "failed", "broken"),
        (servers.sends_half(), "failed", "broken"),
        (servers.is_not_http, "failed", "broken"),
        (servers.hangs, "unreachable", "timeout"),
    ],
)
def test_each_outcome_of_closing_has_its_reason(behaviour: Behaviour, outcome: str, reason: str) -> None:
    with serving(behaviour) as server:
        result = closing(server)
    assert (result.outcome, reason in result.reason) == (outcome, True)
    assert bool(result.reason) is (outcome not in ("closed", "gone"))
    assert len(server.requests) == 1


def test_a_refused_connection_is_unreachable() -> None:
    assert closing(servers.unreachable()).outcome == "unreachable"
    with pytest.raises(CoralError) as caught:
        listed(servers.unreachable())
    assert caught.value.kind == "unreachable"


@pytest.mark.parametrize("thread", ["", ".", "..", "x" * 201, "a\nb", "\x7f", "\ud800"])
def test_a_bad_id_is_refused_without_a_call(thread: str) -> None:
    with serving(answers(200)) as server:
        assert closing(server, thread).outcome == "failed"
    assert server.requests == []


def test_an_id_arrives_as_it_was_and_is_one_segment() -> None:
    with serving(answers(200)) as server, HttpClient(seconds=60, answer_seconds=5) as client:
        coral = Coral(client, server.host, server.port)

        @given(st.text(min_size=1, max_size=200).filter(is_usable_id))
        def arrives(thread: str) -> None:
            assert coral.close("pool-0", thread).outcome == "closed"
            *path, segment = server.requests[-1].target.split("/")
            assert path == ["", "api", "v1", "sessions", "pool-0", "threads"]
            assert unquote(segment) == thread

        arrives()
