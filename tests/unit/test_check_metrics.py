"""Metrics as CloudWatch reads them from the log."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lambdas.shared.metrics import Metric, _dimension_value, publish
from tests.expectations import expectation


def published(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line


def test_a_line_has_exactly_the_dimensions_and_units_given(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "pool_health")
    publish(
        {"Environment": "production", "Pool": "pool-0"},
        Metric("ActiveThreads", 3),
        Metric("PoolLoadPercent", 7.5, "Percent"),
    )
    line = published(capsys)
    assert line.pop("_aws")["CloudWatchMetrics"] == [
        {
            "Namespace": "PardonSimulator",
            "Dimensions": [["Environment", "Pool"]],
            "Metrics": [{"Name": "ActiveThreads", "Unit": "Count"}, {"Name": "PoolLoadPercent", "Unit": "Percent"}],
        }
    ]
    assert line == {"Environment": "production", "Pool": "pool-0", "ActiveThreads": [3.0], "PoolLoadPercent": [7.5]}


def test_one_call_leaves_nothing_for_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    publish({"Environment": "a", "Pool": "b"}, Metric("ActiveThreads", 1))
    capsys.readouterr()
    publish({"Environment": "c"}, Metric("Pools", 2))
    line = published(capsys)
    assert set(line) == {"_aws", "Environment", "Pools"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pool-0", "pool-0"),
        ("", "(blank) #e3b0c442"),
        ("  ", "(blank) #6c179f21"),
        (":pool", "pool #"),
        ("pöol\x00", "p?ol? #"),
        ("プール", "??? #"),
        ("\ud800", "? #"),
        ("p" * 5000, "p" * 245 + " #"),
    ],
)
def test_a_pool_name_that_cloudwatch_refuses_still_has_a_dimension(
    capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    publish({"Environment": "production", "Pool": name}, Metric("ActiveThreads", 1))
    dimension = published(capsys)["Pool"]
    assert dimension.startswith(value)
    assert len(dimension) <= 255


@pytest.mark.parametrize("check", ["absent", "check_settings"])
def test_a_check_whose_tests_do_not_publish_is_named(check: str) -> None:
    with pytest.raises(AssertionError, match=rf"tests/unit/test_{check}\.py must have publish_every_metric"):
        expectation(check, "publish_every_metric")


ODD = st.sampled_from("p :ö\u30d7\ud800\n~") | st.characters()


@given(st.lists(st.text(ODD, max_size=5), unique=True, max_size=20))
def test_two_names_never_share_a_metric(names: list[str]) -> None:
    dimensions = [_dimension_value(name) for name in names]
    assert len(set(dimensions)) == len(names)
    for one in dimensions:
        assert one.strip()
        assert one.isascii()
        assert one.isprintable()
        assert not one.startswith(":")
