"""The cost report end to end, against recorded answers of Cost Explorer and SNS over HTTP."""

import json
from typing import Any

import pytest

from ops_lambdas.cost_report.explorer import MAX_REQUESTS, CostExplorerError
from tests.integration.checks.cost_report.world import (
    ECS,
    INACTIVE,
    RDS,
    TOPIC,
    Aws,
    Recorded,
    Report,
    error,
    forecast,
    months,
    usage,
)


def test_a_short_report_needs_four_requests(aws: Aws, report: Report) -> None:
    report.run()
    by_tag = {"Tags": {"Key": "Environment", "Values": ["rehearsal"], "MatchOptions": ["EQUALS"]}}
    by_service: dict[str, Any] = {"Granularity": "MONTHLY", "Metrics": ["UnblendedCost"], "Filter": by_tag}
    by_service["GroupBy"] = [{"Type": "DIMENSION", "Key": "SERVICE"}]
    assert aws.requests == {
        "ListCostAllocationTags": [{"Status": "Active", "TagKeys": ["Environment"]}],
        "GetCostAndUsage": [
            {"TimePeriod": {"Start": "2026-11-01", "End": "2026-11-23"}, **by_service},
            {"TimePeriod": {"Start": "2026-10-01", "End": "2026-10-23"}, **by_service},
        ],
        "GetCostForecast": [
            {
                "TimePeriod": {"Start": "2026-11-23", "End": "2026-12-01"},
                "Metric": "UNBLENDED_COST",
                "Granularity": "DAILY",
                "Filter": by_tag,
            }
        ],
    }
    assert aws.signed_for == {"us-east-1/ce", "us-east-1/sns"}


@pytest.mark.usefixtures("aws")
def test_a_short_report_returns_costs_forecast_services_and_bands(report: Report) -> None:
    assert report.run() == {
        "state": "reported",
        "environment": "rehearsal",
        "form": "short",
        "tag": "active",
        "start": "2026-11-01",
        "end": "2026-11-23",
        "requests": 4,
        "currency": "USD",
        "month_to_date": "410.00",
        "forecast": "500.00",
        "forecast_state": "forecast",
        "forecast_detail": "",
        "before": "400.00",
        "change": "10.00",
        "list_price": "210.82",
        "average_tasks": 3,
        "not_compared": "",
        "above_list_price": [ECS, RDS],
        "ceiling": "490.00",
        "services": [
            {"service": ECS, "cost": "310.50", "change": "10.50", "list_price": "184.57", "is_above_list_price": True},
            {"service": RDS, "cost": "101.25", "change": "1.25", "list_price": "0.00", "is_above_list_price": True},
            {
                "service": "AWS Secrets Manager",
                "cost": "-1.75",
                "change": "-1.75",
                "list_price": "0.00",
                "is_above_list_price": False,
            },
        ],
        "invalid": [],
        "bands": [
            {"service": ECS, "cost": "310.50", "max_usd": "420.00", "state": "not_above"},
            {"service": "AWS Data Transfer", "cost": "0.00", "max_usd": "20.00", "state": "no_cost"},
            {"service": "Total", "cost": "410.00", "max_usd": "566.00", "state": "not_above"},
        ],
        "could_go": [],
        "not_looked_at": [],
    }


def test_a_short_report_publishes_its_costs_and_sends_one_email(aws: Aws, report: Report) -> None:
    report.run()
    assert report.values() == {
        ("MonthToDateCost", ""): 410.0,
        ("ForecastCost", ""): pytest.approx(500.0),
        ("ServicesAboveListPrice", ""): 2,
        ("MonthToDateCost", ECS): 310.5,
        ("MonthToDateCost", RDS): 101.25,
        ("MonthToDateCost", "AWS Secrets Manager"): -1.75,
    }
    dimensions = [line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for line in report.metrics]
    assert dimensions == [[["Environment"]], *[[["Environment", "Service"]]] * 3]
    (email,) = aws.emails
    assert (email["Action"], email["TopicArn"]) == ("Publish", TOPIC)
    assert (
        email["Subject"]
        == f"Costs of rehearsal, November 2026: 410.00 USD; forecast 500.00 above 490.00; ABOVE: {ECS}"[:97] + "..."
    )
    assert "These numbers are AWS's estimates" in email["Message"]
    assert [log["message"] for log in report.logs] == ["Costs reported"]


def test_a_long_report_needs_one_more_request_for_the_months_before(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"].append(months("0", "0", "300.5", "310", "299", "405"))
    result = report.run({"form": "long"})
    assert (result["form"], result["requests"]) == ("long", 5)
    assert aws.periods[2] == ("2026-05-01", "2026-11-01")
    message = aws.emails[0]["Message"]
    assert "      300.50  July 2026\n" in message
    assert "June 2026" not in message, "before the account"
    assert "AWS Data Transfer: no cost with this name" in message


def test_pages_are_put_together_and_bounded(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"] = [
        usage(token="one", **{ECS: "1.5"}),
        usage(token="two", **{ECS: "2.5", RDS: "3"}),
        usage(**{RDS: "4"}),
        usage(start="2026-10-01", **{ECS: "1"}),
    ]
    result = report.run()
    assert result["state"] == "reported"
    assert report.values()["MonthToDateCost", ""] == 11.0
    assert report.values()["MonthToDateCost", ECS] == 4.0
    tokens = [one.get("NextPageToken") for one in aws.requests["GetCostAndUsage"]]
    assert tokens == [None, "one", "two", None]
    aws.recorded["GetCostAndUsage"] = [usage(token="again", **{ECS: "1.5"})]
    aws.requests.clear()
    with pytest.raises(CostExplorerError, match=f"more than {MAX_REQUESTS} requests"):
        report.run()
    assert sum(map(len, aws.requests.values())) == MAX_REQUESTS
    assert (report.metrics, len(aws.emails)) == ([], 1)


def test_the_first_of_a_month_reports_the_whole_month_before(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"].append(usage(**{ECS: "400"}))
    result = report.run(today="2027-01-01")
    assert aws.periods == [("2026-12-01", "2027-01-01"), ("2026-11-01", "2026-12-01"), ("2026-12-01", "2026-12-31")]
    assert aws.requests["GetCostForecast"] == []
    assert (result["start"], result["end"]) == ("2026-12-01", "2027-01-01")
    assert "1 to 31 December 2026 (31 days), the whole month" in aws.emails[0]["Message"]
    assert "against 400.00 in 1 to 30 December 2026" in aws.emails[0]["Message"]
    assert ("ForecastCost", "") not in report.values()


def test_without_the_tag_the_report_names_the_whole_account(aws: Aws, report: Report) -> None:
    aws.recorded["ListCostAllocationTags"] = [(200, INACTIVE)]
    assert report.run()["tag"] == "inactive"
    assert "Filter" not in aws.requests["GetCostAndUsage"][0] | aws.requests["GetCostForecast"][0]
    assert "The whole account: the cost-allocation tag Environment is not activated" in aws.emails[0]["Message"]


def test_in_an_organization_only_the_payer_knows_the_tags(aws: Aws, report: Report) -> None:
    message = "Failed to list Cost Allocation Tags: Linked account doesn't have access to cost allocation tags."
    aws.recorded["ListCostAllocationTags"] = [error("AccessDeniedException", message)]
    assert report.run()["tag"] == "unknown"
    assert "only the organization's paying account knows" in aws.emails[0]["Message"]


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (error("DataUnavailableException", "Insufficient history"), "too_little_history", "too little history"),
        (error("ValidationException", "filter not allowed"), "refused", "AWS refused the request"),
    ],
)
def test_without_a_forecast_the_costs_are_reported(
    aws: Aws, report: Report, answer: Recorded, state: str, words: str
) -> None:
    aws.recorded["GetCostForecast"] = [answer]
    result = report.run()
    assert (result.get("forecast"), result.get("forecast_state")) == (None, state)
    assert answer[1]["Message"] in str(result.get("forecast_detail"))
    assert ("ForecastCost", "") not in report.values()
    assert words in aws.emails[0]["Message"]


@pytest.mark.parametrize(
    "answer", [usage(), (200, {"ResultsByTime": []}), error("DataUnavailableException")], ids=["empty", "none", "error"]
)
def test_no_data_yet_is_a_state_without_metrics(aws: Aws, report: Report, answer: Recorded) -> None:
    aws.recorded["GetCostAndUsage"] = [answer]
    result = report.run()
    assert (result["state"], result["requests"]) == ("no_data", 2)
    assert report.metrics == []
    assert aws.emails[0]["Subject"] == "Costs of rehearsal: no data yet"


def test_the_first_month_has_nothing_to_compare_with(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"][1] = usage(start="2026-10-01")
    result = report.run()
    assert (result.get("before"), result.get("change")) == (None, None)
    assert "no data for the previous month to compare with" in aws.emails[0]["Message"]


def test_another_currency_is_reported_without_bands(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"] = [usage(unit="CNY", **{ECS: "9000", "Tax": "0"}), usage(unit="CNY", **{ECS: "1"})]
    aws.recorded["GetCostForecast"] = [forecast("1", "CNY")]
    result = report.run({"form": "long"})
    assert result.get("currency") == "CNY"
    assert {band["state"] for band in result.get("bands", [])} == {"not_compared"}  # type: ignore[attr-defined]
    assert "Bands are in USD, not compared with CNY." in aws.emails[0]["Message"]


def test_amortized_costs_are_asked_for_as_such(aws: Aws, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COST_METRIC", "AmortizedCost")
    amortized = json.loads(json.dumps(aws.recorded["GetCostAndUsage"]).replace("UnblendedCost", "AmortizedCost"))
    aws.recorded["GetCostAndUsage"] = [(status, body) for status, body in amortized]
    assert report.run().get("month_to_date") == "410.00"
    assert aws.requests["GetCostAndUsage"][0]["Metrics"] == ["AmortizedCost"]
    assert aws.requests["GetCostForecast"][0]["Metric"] == "AMORTIZED_COST"
    assert "AmortizedCost in USD" in aws.emails[0]["Message"]


def test_credits_can_make_all_of_it_negative(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"] = [usage(**{ECS: "10", RDS: "-110.004"}), usage(**{ECS: "-20"})]
    result = report.run()
    assert (result.get("month_to_date"), result.get("change")) == ("-100.00", "-80.00")
    assert report.values()["MonthToDateCost", ""] == -100.004
    assert "-20.00  in 1 to 22 October 2026 (22 days): -80.00\n" in aws.emails[0]["Message"]
