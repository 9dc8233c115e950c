"""The cost report when an answer is invalid or missing."""

import json
from typing import cast

import pytest
from botocore.config import Config

from ops_lambdas.cost_report import explorer
from ops_lambdas.cost_report.core import CostDataError
from ops_lambdas.cost_report.explorer import CostExplorerError
from ops_lambdas.cost_report.report import Reported
from ops_lambdas.shared.settings import InvalidSettingError
from ops_lambdas.shared.topic import TopicError
from tests.integration.checks.cost_report.world import ECS, RDS, TOPIC, Aws, Report, error, forecast, usage
from tests.integration.checks.servers import hangs, serving, unreachable

STRANGE = [
    {"Amount": "12,5", "Unit": "USD"},
    {"Amount": "NaN", "Unit": "USD"},
    {"Amount": "Infinity", "Unit": "USD"},
    {"Amount": "1E+400", "Unit": "USD"},
    {"Amount": "9" * 400, "Unit": "USD"},
    {"Amount": "1"},
    {"Unit": "USD"},
    {},
]


@pytest.mark.parametrize("strange", STRANGE)
def test_an_amount_that_is_not_valid_is_left_out_and_named_and_the_rest_is_published(
    aws: Aws, report: Report, strange: dict[str, str]
) -> None:
    answer = aws.recorded["GetCostAndUsage"][0][1]["ResultsByTime"][0]["Groups"]
    answer.append({"Keys": ["Strange"], "Metrics": {"UnblendedCost": strange}})
    result = cast(Reported, report.run())
    assert (result["month_to_date"], len(result["invalid"])) == ("410.00", 1)
    assert "Strange" in result["invalid"][0]
    assert report.values()["MonthToDateCost", ""] == 410
    assert "Left out, 1 in all" in aws.emails[0]["Message"]
    assert report.logs[-1]["level"] == "WARNING"


@pytest.mark.parametrize("group", [{}, {"Keys": []}, {"Keys": ["Strange"]}, {"Metrics": {}}])
def test_a_group_without_a_key_is_left_out(aws: Aws, report: Report, group: dict[str, object]) -> None:
    aws.recorded["GetCostAndUsage"][0][1]["ResultsByTime"][0]["Groups"].append(group)
    result = cast(Reported, report.run())
    assert (result["month_to_date"], len(result["invalid"])) == ("410.00", 1)


def test_without_any_valid_amount_there_is_no_report(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"] = [usage(**{ECS: "12,5"})]
    with pytest.raises(CostDataError, match=r"no amount is valid, e\.g\. .*an amount must be a number, got '12,5'"):
        report.run()
    assert (report.metrics, aws.emails) == ([], [])


def test_amounts_in_several_currencies_are_an_error(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"] = [usage(token="t", **{ECS: "1"}), usage(unit="EUR", **{RDS: "1"})]
    with pytest.raises(CostDataError, match="amounts are in several currencies: EUR, USD"):
        report.run()
    assert (report.metrics, aws.emails) == ([], [])


@pytest.mark.parametrize("strange", [*STRANGE, {"Amount": "1", "Unit": "EUR"}])
def test_a_forecast_that_is_not_valid_is_none(aws: Aws, report: Report, strange: dict[str, str]) -> None:
    aws.recorded["GetCostForecast"] = [(200, {"Total": strange})]
    result = cast(Reported, report.run())
    assert (result["forecast"], result["forecast_state"]) == (None, "invalid")
    assert report.values()["MonthToDateCost", ""] == 410
    assert "none, AWS's answer is not valid" in aws.emails[0]["Message"]


@pytest.mark.parametrize("operation", ["ListCostAllocationTags", "GetCostAndUsage", "GetCostForecast"])
@pytest.mark.parametrize("answer", [{}, {"Total": None}, {"ResultsByTime": None, "CostAllocationTags": None}])
def test_an_answer_without_its_keys_has_a_name(
    aws: Aws, report: Report, operation: str, answer: dict[str, object]
) -> None:
    aws.recorded[operation] = [(200, answer)]
    if operation == "GetCostAndUsage":
        with pytest.raises(CostExplorerError, match="get_cost_and_usage answered without ResultsByTime"):
            report.run()
    else:
        assert report.run()["state"] == "reported"


def test_costs_in_yen_set_off_no_alarm_in_usd(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"] = [usage(unit="JPY", **{ECS: "60000"})]
    aws.recorded["GetCostForecast"] = [forecast("60000", "JPY")]
    result = cast(Reported, report.run())
    assert (result["currency"], result["month_to_date"]) == ("JPY", "60000.00")
    assert report.metrics == []
    assert "60,000.00 JPY" in aws.emails[0]["Subject"]


def test_services_whose_names_differ_beyond_ascii_have_their_own_metrics(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"] = [usage(Kösten="1", Kästen="2")]
    report.run()
    assert sorted(value for (_, service), value in report.values().items() if service) == [1, 2]


def test_hundreds_of_services_with_long_names_fit_into_result_log_and_email(aws: Aws, report: Report) -> None:
    amounts = {f"{number:04}{'ö' * 2000}": "1" for number in range(2000)}
    aws.recorded["GetCostAndUsage"] = [usage(**amounts)]
    result = cast(Reported, report.run({"form": "long"}))
    assert len(json.dumps(result).encode()) < 256 * 1024
    assert len(aws.emails[0]["Message"].encode()) < 256 * 1024
    assert "1900 others" in aws.emails[0]["Message"]


@pytest.mark.parametrize("code", ["ThrottlingException", "LimitExceededException"])
def test_throttled_requests_are_retried(aws: Aws, report: Report, code: str) -> None:
    aws.recorded["GetCostForecast"].insert(0, error(code))
    assert report.run()["state"] == "reported"
    assert len(aws.requests["GetCostForecast"]) == 2


@pytest.mark.parametrize("operation", ["ListCostAllocationTags", "GetCostAndUsage", "GetCostForecast"])
def test_access_denied_is_an_error_that_names_the_operation(aws: Aws, report: Report, operation: str) -> None:
    aws.recorded[operation] = [error("AccessDeniedException", "not authorized to perform")]
    with pytest.raises(CostExplorerError, match=rf"AccessDeniedException.* {operation} operation.* not authorized"):
        report.run()
    assert (report.metrics, aws.emails) == ([], [])


def test_a_topic_that_refuses_the_email_is_an_error(aws: Aws, report: Report) -> None:
    aws.topic_status = 400
    with pytest.raises(TopicError, match=f"topic {TOPIC} did not accept the email: .*KMSAccessDenied"):
        report.run()


def test_an_unreachable_cost_explorer_is_an_error(report: Report, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_COST_EXPLORER", unreachable().url)
    monkeypatch.setattr(explorer, "_CONFIG", Config(retries={"total_max_attempts": 1}))
    with pytest.raises(CostExplorerError, match="Cost Explorer cannot be reached: Could not connect"):
        report.run()
    assert aws.emails == []


def test_bad_settings_are_refused_before_any_request(aws: Aws, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSettingError, match="form must be short or long"):
        report.run({"form": "medium"})
    monkeypatch.setenv("COST_METRIC", "BlendedCost")
    with pytest.raises(InvalidSettingError, match="COST_METRIC must be UnblendedCost or AmortizedCost"):
        report.run()
    assert aws.requests == {}


def test_a_slow_cost_explorer_ends_the_report_in_time(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(hangs) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_COST_EXPLORER", server.url)
        slow = explorer.CostExplorer("UnblendedCost", seconds=0.3)
        with pytest.raises(CostExplorerError, match="Cost Explorer was too slow: no answer within"):
            slow.filter_by_tag("Environment", "production")
    assert aws.emails == []
