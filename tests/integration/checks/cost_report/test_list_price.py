"""The cost report's comparison with what is deployed, from the bill to metrics and email."""

import pytest

from ops_lambdas.cost_report.savings import Facts
from tests.integration.checks.cost_report.world import ECS, Aws, Report, usage

OTHER = "EC2 - Other"
# 22 days of three tasks and a NAT gateway by list price: 0.7233 of a month.
AT_REST = {ECS: "184.57", OTHER: "26.00"}


def bill(aws: Aws, **amounts: str) -> None:
    aws.recorded["GetCostAndUsage"] = [usage(**amounts), usage(start="2026-10-01", **amounts)]


def test_a_month_at_rest_is_not_above(aws: Aws, report: Report) -> None:
    bill(aws, **AT_REST)
    result = report.run()
    assert (result["above_list_price"], result["not_compared"], result["average_tasks"]) == ([], "", 3)  # type: ignore[typeddict-item]
    assert report.values()["ServicesAboveListPrice", ""] == 0
    assert "No service is above its list price." in aws.emails[0]["Message"]
    assert "what is deployed at 3.0 tasks on average" in aws.emails[0]["Message"]


def test_a_forgotten_gateway_is_above_and_named(aws: Aws, report: Report) -> None:
    bill(aws, **(AT_REST | {OTHER: "49.77"}))
    result = report.run()
    assert result["above_list_price"] == [OTHER]  # type: ignore[typeddict-item]
    assert report.values()["ServicesAboveListPrice", ""] == 1
    (email,) = aws.emails
    assert "ABOVE: EC2 - Other" in email["Subject"]
    assert "EC2 - Other: list price 25.17, for NAT gateway 32.85" in email["Message"]


def test_what_is_not_deployed_has_no_list_price(aws: Aws, report: Report) -> None:
    bill(aws, **AT_REST, **{"Amazon Elastic Compute Cloud - Compute": "5.01", "AWS Glue": "4.99"})
    assert report.run()["above_list_price"] == ["Amazon Elastic Compute Cloud - Compute"]  # type: ignore[typeddict-item]
    assert "as nothing of it is deployed" in aws.emails[0]["Message"]


def test_more_tasks_explain_more_costs(aws: Aws, report: Report) -> None:
    bill(aws, **(AT_REST | {ECS: "246.10"}))
    assert report.run()["above_list_price"] == [ECS]  # type: ignore[typeddict-item]
    report.deployed.tasks = 4
    assert report.run()["above_list_price"] == []  # type: ignore[typeddict-item]


def test_what_is_deployed_cannot_be_read(aws: Aws, report: Report) -> None:
    report.deployed.why_not = "the template of pardon-rehearsal-network cannot be read: AccessDenied"
    result = report.run()
    assert (result["state"], result["list_price"]) == ("reported", None)  # type: ignore[typeddict-item]
    assert ("ServicesAboveListPrice", "") not in report.values()
    assert "list price: not compared, the template of pardon-rehearsal-network" in aws.emails[0]["Message"]
    assert [line["level"] for line in report.logs] == ["WARNING", "INFO"]


def test_costs_of_a_whole_account_are_not_compared(aws: Aws, report: Report) -> None:
    aws.recorded["ListCostAllocationTags"] = [(200, {"CostAllocationTags": []})]
    assert report.run()["not_compared"] == "these are not only this environment's costs"  # type: ignore[typeddict-item]
    assert ("ServicesAboveListPrice", "") not in report.values()


def test_a_forecast_above_the_ceiling_is_said(aws: Aws, report: Report) -> None:
    report.run()  # 410 so far and 90 to come, of 490
    assert "forecast 500.00 above 490.00" in aws.emails[0]["Subject"]
    assert "490.00  ceiling of the month, BELOW the forecast" in aws.emails[0]["Message"]


def test_the_long_form_says_what_could_go(aws: Aws, report: Report) -> None:
    report.facts = Facts(addresses=("192.0.2.1",), unknown=("the images: ClientError: not authorized",))
    result = report.run({"form": "long"})
    what = "addresses attached to nothing (1): 192.0.2.1"
    assert result["could_go"] == [{"what": what, "usd": "3.65"}]  # type: ignore[typeddict-item]
    assert f"3.65  {what}" in aws.emails[0]["Message"]
    assert "not looked at: the images: ClientError" in aws.emails[0]["Message"]
    assert report.run()["could_go"] == []  # type: ignore[typeddict-item]


@pytest.mark.usefixtures("aws")
def test_without_templates_nothing_is_looked_at(report: Report) -> None:
    report.deployed.why_not = "the template of pardon-rehearsal-network cannot be read: AccessDenied"
    result = report.run({"form": "long"})
    assert result["not_looked_at"] == [report.deployed.why_not]  # type: ignore[typeddict-item]
