"""The emulator's Cost Explorer, over sample costs."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.emulator_process import Emulator, function

GROUPED = {"GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}], "Granularity": "MONTHLY"}


def costs(emulator: Emulator, start: date, end: date, **arguments: Any) -> list[dict[str, Any]]:
    """All pages' results."""
    explorer = emulator.client("ce")
    period = {"Start": start.isoformat(), "End": end.isoformat()}
    arguments = {"TimePeriod": period, "Metrics": ["UnblendedCost", "AmortizedCost"], **GROUPED, **arguments}
    pages = [explorer.get_cost_and_usage(**arguments)]
    while token := pages[-1].get("NextPageToken"):
        pages.append(explorer.get_cost_and_usage(**arguments, NextPageToken=token))
    assert "GroupBy" not in arguments or len(pages) > 1 or not pages[0]["ResultsByTime"][0]["Groups"]
    return [result for page in pages for result in page["ResultsByTime"]]


def test_costs_are_those_of_the_days_asked_for(emulator: Emulator) -> None:
    groups = [group for result in costs(emulator, date(2025, 3, 1), date(2025, 4, 1)) for group in result["Groups"]]
    by_service = {group["Keys"][0]: group["Metrics"] for group in groups}
    assert len(groups) == len(by_service)
    database = by_service["Amazon Relational Database Service"]
    unblended, amortized = (float(database[metric]["Amount"]) for metric in ("UnblendedCost", "AmortizedCost"))
    assert unblended == pytest.approx(3.30 * 31, rel=0.05)
    assert amortized == pytest.approx(unblended * 0.9)
    assert float(by_service["Refund"]["UnblendedCost"]["Amount"]) < 0
    (both,) = costs(emulator, date(2025, 3, 1), date(2025, 4, 1), GroupBy=[])
    assert float(both["Total"]["UnblendedCost"]["Amount"]) == pytest.approx(
        sum(float(metrics["UnblendedCost"]["Amount"]) for metrics in by_service.values())
    )
    days = costs(emulator, date(2024, 12, 30), date(2025, 1, 3), Granularity="DAILY", GroupBy=[])
    assert [day["TimePeriod"]["Start"] for day in days] == ["2024-12-30", "2024-12-31", "2025-01-01", "2025-01-02"]


def test_costs_are_filtered_by_the_activated_tag(emulator: Emulator) -> None:
    def total(**arguments: Any) -> float:
        (result,) = costs(emulator, date(2025, 3, 1), date(2025, 4, 1), GroupBy=[], **arguments)
        return float(result["Total"]["UnblendedCost"]["Amount"])

    ours, other = ({"Tags": {"Key": "Environment", "Values": [value]}} for value in ("rehearsal", "unknown"))
    assert 0 < total(Filter=ours) < total()
    assert total(Filter=other) == 0
    assert costs(emulator, date(2025, 3, 1), date(2025, 4, 1), Filter=other)[0]["Groups"] == []
    tags = emulator.client("ce").list_cost_allocation_tags(Status="Active", TagKeys=["Environment"])
    assert [tag["TagKey"] for tag in tags["CostAllocationTags"]] == ["Environment"]
    assert emulator.client("ce").list_cost_allocation_tags(TagKeys=["Other"])["CostAllocationTags"] == []


def test_forecast_goes_to_the_end_of_the_period(emulator: Emulator) -> None:
    today = datetime.now(UTC).date()
    period = {"Start": today.isoformat(), "End": (today + timedelta(days=10)).isoformat()}
    arguments = {"TimePeriod": period, "Metric": "UNBLENDED_COST", "Granularity": "MONTHLY"}
    forecast = emulator.client("ce").get_cost_forecast(**arguments)
    assert forecast["Total"]["Unit"] == "USD"
    assert float(forecast["Total"]["Amount"]) == pytest.approx(10 * 12.54)
    assert forecast["ForecastResultsByTime"][0]["TimePeriod"]["Start"] == period["Start"]


def test_cost_explorer_refuses_as_the_real_one_does(emulator: Emulator) -> None:
    explorer = emulator.client("ce")
    today = datetime.now(UTC).date()
    same = {"Start": today.isoformat(), "End": today.isoformat()}
    soon = {**same, "End": (today + timedelta(days=3)).isoformat()}
    unknown = {"Tags": {"Key": "Environment", "Values": ["unknown"]}}
    forecast = {"Metric": "UNBLENDED_COST", "Granularity": "MONTHLY"}
    for call, arguments, code in (
        (explorer.get_cost_and_usage, {"TimePeriod": same, "Metrics": ["UnblendedCost"], **GROUPED}, "Validation"),
        (explorer.get_cost_forecast, {"TimePeriod": same, **forecast}, "Validation"),
        (explorer.get_cost_forecast, {"TimePeriod": soon, **forecast, "Filter": unknown}, "DataUnavailable"),
        (
            explorer.get_cost_and_usage,
            {"TimePeriod": soon, "Metrics": ["UnblendedCost"], **GROUPED, "NextPageToken": "bad"},
            "InvalidNextToken",
        ),
    ):
        with pytest.raises(ClientError) as refused:
            call(**arguments)
        assert refused.value.response["Error"]["Code"] == f"{code}Exception"


def test_cost_explorer_is_only_for_those_whose_policy_allows_it(emulator: Emulator) -> None:
    code = "import boto3\ndef handler(event, context):\n    boto3.client('ce').list_cost_allocation_tags()"
    statement = {"Effect": "Allow", "Action": "ce:ListCostAllocationTags", "Resource": "*"}
    for stack, statements, is_allowed in (("costs-yes", [statement], True), ("costs-no", [], False)):
        name = emulator.deploy(stack, function(statements, code))["Function"]
        answer = json.load(emulator.client("lambda").invoke(FunctionName=name)["Payload"])
        assert (answer is None) == is_allowed, answer
