"""How the site's own answer is read, and when it agrees with the database."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_lambdas.pool_health.core import Counts, PoolCount
from ops_lambdas.pool_health.report import site_result
from ops_lambdas.pool_health.site import (
    MAX_COMPARED_LATENCY_MILLISECONDS,
    Site,
    SiteCount,
    disagreements,
    understand,
)
from ops_lambdas.shared.http import Answer


def body(*pools: tuple[str, Any, Any]) -> dict[str, Any]:
    listed = [
        {"poolId": pool, "activeThreads": threads, "activeSessions": sessions} for pool, threads, sessions in pools
    ]
    return {"success": True, "timestamp": "2026-11-23T09:00:00.000Z", "statistics": {"pools": listed, "summary": {}}}


def answer(content: Any, status: int = 200) -> Answer:
    return Answer(status, content if isinstance(content, bytes) else json.dumps(content).encode())


def test_a_pool_health_answer_is_read() -> None:
    site = understand(answer(body(("pool-0", 3, 2), ("pool-1", 0, 0))), 12.5)
    assert site == Site(
        state="ok",
        status=200,
        latency_milliseconds=12.5,
        counts=(SiteCount("pool-0", 3, 2), SiteCount("pool-1", 0, 0)),
    )
    assert site.is_reachable


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (401, "unauthorized"),
        (301, "redirected"),
        (302, "redirected"),
        (304, "redirected"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "server_error"),
        (599, "server_error"),
        (201, "unexpected_status"),
        (204, "unexpected_status"),
        (403, "unexpected_status"),
        (404, "unexpected_status"),
        (429, "unexpected_status"),
    ],
)
def test_every_other_status_has_a_name(status: int, state: str) -> None:
    site = understand(answer({"success": False, "error": "x" * 500}, status), 1)
    assert (site.state, site.status, site.counts, site.is_reachable) == (state, status, (), True)
    assert len(site.detail) <= 200


@pytest.mark.parametrize("content", [b"", b"<html>down for maintenance</html>", b'{"success": tr', b"\xff\xfe"])
def test_a_body_that_is_not_json_is_its_own_state(content: bytes) -> None:
    assert understand(answer(content), 1).state == "not_json"


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (None, "the body has no success"),
        ([], "the body has no success"),
        ({}, "the body has no success"),
        ({"success": False, "error": "no database"}, "success is False, error 'no database'"),
        ({"success": "true"}, "success is 'true'"),
        ({"success": True}, "the body has no statistics"),
        ({"success": True, "statistics": []}, "statistics has no pools"),
        ({"success": True, "statistics": {"pools": {}}}, "not a list of pools"),
        ({"success": True, "statistics": {"pools": ["pool-0"]}}, "a pool has no poolId"),
        (body(("p", "3", 2)), "activeThreads is '3'"),
        (body(("p", 3.5, 2)), "activeThreads is 3.5"),
        (body(("p", 3, True)), "activeSessions is True"),
        (body(("p", 3, None)), "activeSessions is None"),
        (body(("p", -1, 2)), "activeThreads is -1"),
        (body((7, 3, 2)), "poolId is 7"),  # type: ignore[arg-type]
        (body(("p", 3, 2), ("p", 3, 2)), "a pool twice"),
        (body(*[(f"p{number}", 0, 0) for number in range(1001)]), "not a list of pools"),
    ],
)
def test_json_of_another_shape_is_its_own_state_and_names_the_place(content: Any, detail: str) -> None:
    site = understand(answer(content), 1)
    assert site.state == "wrong_shape"
    assert detail in site.detail


def site(threads: int, sessions: int, latency: float = 100) -> Site:
    return Site(state="ok", status=200, latency_milliseconds=latency, counts=(SiteCount("p", threads, sessions),))


@pytest.mark.parametrize(
    ("ours", "theirs", "differing"),
    [
        ((10, 5), (10, 5), []),
        ((10, 5), (17, 6), []),  # one session more, with a thread for each of seven agents
        ((10, 5), (18, 5), ["active threads"]),
        ((10, 5), (10, 7), ["active sessions"]),
        ((10, 5), (2, 3), ["active threads", "active sessions"]),
        ((0, 0), (7, 1), []),
        ((0, 0), (8, 2), ["active threads", "active sessions"]),
        ((900, 90), (1000, 100), []),  # a tenth
        ((899, 89), (1000, 100), ["active threads", "active sessions"]),
    ],
)
def test_numbers_agree_within_what_may_happen_between_the_readings(
    ours: tuple[int, int], theirs: tuple[int, int], differing: list[str]
) -> None:
    counts = Counts((PoolCount("p", *ours),))
    found = disagreements(site(*theirs), counts)
    assert found is not None
    assert [line.split(" ", 2)[2].split(" on the site")[0] for line in found] == differing
    assert site_result(site(*theirs), found)["agrees"] == (not differing)


NUMBERS = st.integers(0, 2**40)


@settings(deadline=None)
@given(
    pools=st.dictionaries(st.text(max_size=4), st.tuples(NUMBERS, NUMBERS), max_size=8),
    latency=st.floats(0, MAX_COMPARED_LATENCY_MILLISECONDS),
)
def test_the_same_numbers_always_agree(pools: dict[str, tuple[int, int]], latency: float) -> None:
    counts = Counts(tuple(PoolCount(pool, *numbers) for pool, numbers in pools.items()))
    same = tuple(SiteCount(pool, *numbers) for pool, numbers in pools.items())
    assert disagreements(Site(state="ok", status=200, latency_milliseconds=latency, counts=same), counts) == []


def test_a_pool_that_one_side_does_not_show_counts_as_empty() -> None:
    counts = Counts((PoolCount("q", 20, 3),))
    assert disagreements(site(9, 1), counts) == [
        "p: 9 active threads on the site, 0 in the database",
        "q: 0 active threads on the site, 20 in the database",
        "q: 0 active sessions on the site, 3 in the database",
    ]


def test_what_is_too_far_apart_in_time_is_not_compared() -> None:
    counts = Counts((PoolCount("p", 1, 1),))
    assert disagreements(site(40, 9, MAX_COMPARED_LATENCY_MILLISECONDS), counts)
    late = site(40, 9, MAX_COMPARED_LATENCY_MILLISECONDS + 0.1)
    assert disagreements(late, counts) is None
    assert site_result(late, None)["agrees"] is None
    assert disagreements(Site(state="server_error", status=500, latency_milliseconds=1), counts) is None


@pytest.mark.parametrize("state", ["unreachable", "timeout", "broken"])
def test_without_a_whole_answer_it_is_not_reachable(state: Any) -> None:
    assert Site(state=state).is_reachable is False
    assert Site(state="secret_unreadable").is_reachable is None


def test_many_disagreements_are_not_all_listed() -> None:
    counts = Counts(tuple(PoolCount(f"pool-{number}", 50, 50) for number in range(50)))
    found = disagreements(site(0, 0), counts)
    assert found is not None
    assert len(found) == 100
    assert len(site_result(site(0, 0), found)["disagreements"]) == 10


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["success", "statistics", "pools", "poolId", "activeThreads"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(
    content=st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()), status=st.integers(200, 599)
)
def test_any_answer_is_named_and_its_result_is_json(content: bytes, status: int) -> None:
    named = understand(Answer(status, content), 1.0)
    assert (named.state == "ok") <= (status == 200)
    json.dumps(site_result(named, None), allow_nan=False)
