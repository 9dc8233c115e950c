"""Whatever strangers say, what a check logs, returns, answers and emails fits the services' limits."""

import io
import json
import tracemalloc
from datetime import date
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lambdas.shared import bounds, custom_resource, topic
from ops_lambdas.shared.bounds import MAX_BYTES, bounded, check_logger, cut, shown

ODD_TEXT = st.text(st.characters() | st.sampled_from("\ud800\x00\x1b\u202e🙂"), max_size=30)
LARGE = st.sampled_from(["x", "\ud800", "🙂", '"', "\x00"]).flatmap(
    lambda text: st.sampled_from([10, 300_000]).map(lambda times: text * times)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | ODD_TEXT | LARGE,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ODD_TEXT, inner, max_size=5),
    max_leaves=8,
)


@given(VALUES)
def test_any_result_is_json_within_its_limit(value: Any) -> None:
    copy = bounded({"result": value})
    text = json.dumps(copy, ensure_ascii=False, allow_nan=False)
    assert len(text.encode()) <= MAX_BYTES
    assert bounded(copy) == copy, "what fits stays as it is"


@pytest.mark.parametrize(
    "value",
    [
        {"pools": [{"pool": "🙂" * 5000, "count": number} for number in range(5000)]},
        {f"key-{number}": "x" * 4000 for number in range(1000)},
    ],
)
def test_results_of_megabytes_fit(value: Any) -> None:
    assert len(json.dumps(bounded(value)).encode()) <= MAX_BYTES


def test_a_result_of_gigabytes_is_never_built() -> None:
    value = [[["x" * 4000] * 200] * 200] * 200
    tracemalloc.start()
    bounded(value)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


def test_what_is_nested_without_an_end_is_cut() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert len(json.dumps(bounded(value))) < 100
    assert len(shown(value)) <= 80
    assert shown(10**5000) == "a int"


@given(st.text(), st.integers(1, 50))
def test_a_cut_text_shows_that_it_went_on(text: str, characters: int) -> None:
    short = cut(text, characters)
    assert len(text) <= characters or (len(short) <= characters and short.endswith("…"))


def test_a_log_line_of_megabytes_is_one_line_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    logger, stream = check_logger(), io.StringIO()
    monkeypatch.setattr(logger.handlers[0], "stream", stream)
    logger.warning("x" * 10_000_000, extra={"result": {"pools": ["\ud800\n" * 1_000_000] * 50}})
    (line,) = stream.getvalue().splitlines()
    assert len(line.encode()) <= MAX_BYTES + 1
    assert json.loads(line)["level"] == "WARNING"


@given(reason=LARGE | ODD_TEXT, data=st.dictionaries(st.text(max_size=5), LARGE | ODD_TEXT, max_size=2))
def test_a_response_to_cloudformation_has_at_most_4096_bytes(reason: str, data: dict[str, str]) -> None:
    ids = {"StackId": "arn:" + "s" * 300, "RequestId": "r" * 36, "LogicalResourceId": "l" * 255}
    body = {"Status": "FAILED", "Reason": "", "PhysicalResourceId": "p", **ids, "Data": data}
    content = custom_resource._with_reason(body, reason)
    assert len(content) <= 4096
    answer = json.loads(content)
    assert reason.endswith(answer["Reason"])
    assert len(reason) > 100 or answer["Reason"] == reason


@given(LARGE | ODD_TEXT)
def test_an_email_has_at_most_256_kib_and_says_what_is_missing(text: str) -> None:
    content = topic._fitting(text).encode()
    assert len(content) <= 256 * 1024
    assert len(content) < 200_000 or "does not fit" in topic._fitting(text) or topic._fitting(text) == text


def test_a_function_that_returns_too_much_returns_less() -> None:
    @bounds.bounded_result
    def handler(_event: object, _context: object) -> dict[str, str]:
        return {"pool": "p" * 7_000_000}

    assert len(handler(None, None)["pool"]) == 4000


def test_what_json_has_no_type_for_is_its_text_and_bounded_too() -> None:
    class Strange:
        def __str__(self) -> str:
            return "s" * 1_000_000

    class Named(NamedTuple):
        first: str

    assert bounded({"a": Strange()})["a"] == cut("s" * 1_000_000, 4000)  # type: ignore[comparison-overlap]
    assert bounded([Named("x"), date(2026, 11, 27)]) == [("x",), "2026-11-27"]
