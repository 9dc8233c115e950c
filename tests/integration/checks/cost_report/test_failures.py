"""The cost report when an answer is invalid or missing."""

import pytest
from botocore.config import Config

from ops_lambdas.cost_report import explorer
from ops_lambdas.cost_report.core import CostDataError
from ops_lambdas.cost_report.explorer import CostExplorerError
from ops_lambdas.shared.settings import InvalidSettingError
from ops_lambdas.shared.topic import TopicError
from tests.integration.checks.cost_report.world import ECS, RDS, TOPIC, Aws, Recorded, Report, error, forecast, usage
from tests.integration.checks.servers import unreachable


@pytest.mark.parametrize(
    ("recorded", "message"),
    [
        ({"GetCostAndUsage": [usage(**{ECS: "12,5"})]}, "an amount must be a number, got '12,5'"),
        ({"GetCostAndUsage": [usage(**{ECS: "NaN"})]}, "an amount must be a number, got 'NaN'"),
        (
            {"GetCostAndUsage": [usage(token="t", **{ECS: "1"}), usage(unit="EUR", **{RDS: "1"})]},
            "amounts are in several currencies: EUR, USD",
        ),
        ({"GetCostForecast": [forecast("1", "EUR")]}, "costs are in USD, their forecast in EUR"),
    ],
)
def test_numbers_that_are_not_valid_are_an_error(
    aws: Aws, report: Report, recorded: dict[str, list[Recorded]], message: str
) -> None:
    aws.recorded |= recorded
    with pytest.raises(CostDataError, match=message):
        report.run()
    assert (report.metrics, aws.emails) == ([], [])


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
