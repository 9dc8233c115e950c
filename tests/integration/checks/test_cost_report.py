"""The cost report whole, against recorded answers of Cost Explorer and SNS over HTTP."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any
from unittest import mock
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import pytest
from botocore.config import Config

from ops_lambdas.cost_report import explorer, handler
from ops_lambdas.cost_report.core import CostDataError
from ops_lambdas.cost_report.explorer import MAX_REQUESTS, CostExplorerError
from ops_lambdas.cost_report.report import CostReportResult, TopicError
from ops_lambdas.shared.settings import InvalidSettingError
from tests.integration.checks.conftest import CONTEXT
from tests.integration.checks.servers import Exchange, Server, answers, nobody, serving

TOPIC = "arn:aws:sns:us-east-1:000000000000:pardon-rehearsal-alarms"
ECS, RDS = "Amazon Elastic Container Service", "Amazon Relational Database Service"
BANDS = [
    {"service": ECS, "min_usd": 30, "max_usd": 420},
    {"service": "AWS Data Transfer", "min_usd": 5, "max_usd": 20},
    {"service": "Total", "min_usd": 161, "max_usd": 566},
]
ACTIVE = {"CostAllocationTags": [{"TagKey": "Environment", "Type": "UserDefined", "Status": "Active"}]}
INACTIVE: dict[str, Any] = {"CostAllocationTags": []}

Recorded = tuple[int, dict[str, Any]]


def usage(*, token: str | None = None, unit: str = "USD", start: str = "2026-11-01", **amounts: str) -> Recorded:
    groups = [
        {"Keys": [service], "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": unit}}}
        for service, amount in amounts.items()
    ]
    result = {"TimePeriod": {"Start": start, "End": "2026-11-23"}, "Total": {}, "Groups": groups, "Estimated": True}
    answer = {"ResultsByTime": [result], "GroupDefinitions": [{"Type": "DIMENSION", "Key": "SERVICE"}]}
    return 200, answer | ({"NextPageToken": token} if token else {})


def months(*totals: str) -> Recorded:
    results = [
        {
            "TimePeriod": {"Start": f"2026-{month:02}-01", "End": f"2026-{month + 1:02}-01"},
            "Total": {"UnblendedCost": {"Amount": total, "Unit": "USD"}},
            "Groups": [],
            "Estimated": False,
        }
        for month, total in enumerate(totals, start=5)
    ]
    return 200, {"ResultsByTime": results}


def forecast(amount: str, unit: str = "USD") -> Recorded:
    return 200, {"Total": {"Amount": amount, "Unit": unit}, "ForecastResultsByTime": []}


def error(code: str, message: str = "no") -> Recorded:
    return 400, {"__type": code, "Message": message}


class Aws:
    """Cost Explorer and SNS: the recorded answers of each operation in turn, the last one stays."""

    def __init__(self) -> None:
        self.recorded: dict[str, list[Recorded]] = {
            "ListCostAllocationTags": [(200, ACTIVE)],
            "GetCostAndUsage": [
                usage(**{ECS: "310.5", RDS: "101.25", "AWS Secrets Manager": "-1.75"}),
                usage(start="2026-10-01", **{ECS: "300", RDS: "100"}),
            ],
            "GetCostForecast": [forecast("90.0000000001")],
        }
        self.topic_status = 200
        self.requests: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.mails: list[dict[str, str]] = []
        self.signed_for: set[str] = set()

    def __call__(self, exchange: Exchange) -> None:
        request = exchange.request
        self.signed_for.add("/".join(request.headers["authorization"].split("/")[2:4]))
        operation = request.headers.get("x-amz-target", "").removeprefix("AWSInsightsIndexService.")
        if operation:
            self.requests[operation].append(json.loads(request.body))
            left = self.recorded[operation]
            status, body = left.pop(0) if len(left) > 1 else left[0]
            answers(status, body, content_type="application/x-amz-json-1.1")(exchange)
            return
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.mails.append(form)
        result = "<PublishResult><MessageId>1</MessageId></PublishResult>"
        if self.topic_status != 200:
            result = f"<Error><Code>KMSAccessDenied</Code><Message>{escape('no key')}</Message></Error>"
        kind = "ErrorResponse" if self.topic_status != 200 else "PublishResponse"
        namespace = "http://sns.amazonaws.com/doc/2010-03-31/"
        xml = f'<{kind} xmlns="{namespace}">{result}</{kind}>'.encode()
        answers(self.topic_status, xml, content_type="text/xml")(exchange)

    @property
    def periods(self) -> list[tuple[str, str]]:
        """What was asked of GetCostAndUsage."""
        return [(one["TimePeriod"]["Start"], one["TimePeriod"]["End"]) for one in self.requests["GetCostAndUsage"]]


class Report:
    """The check as its Lambda runs it, and what it wrote."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.metrics: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []

    def run(self, event: object = None, *, today: str = "2026-11-23") -> CostReportResult:
        self._monkeypatch.setattr(handler, "_today", lambda: date.fromisoformat(today))
        try:
            with mock.patch.object(handler.logger.handlers[0], "stream", sys.stdout):
                result: CostReportResult = handler.handler(event, CONTEXT)
        finally:
            lines = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
            self.metrics = [line for line in lines if "_aws" in line]
            self.logs = [line for line in lines if "_aws" not in line]
        json.dumps(result, allow_nan=False)
        return result

    def values(self) -> dict[tuple[str, str], float]:
        """Metrics by name and service."""
        return {
            (metric["Name"], line.get("Service", "")): line[metric["Name"]][0]
            for line in self.metrics
            for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
        }


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    aws = Aws()
    with serving(aws) as server:
        set_environment(monkeypatch, server)
        yield aws


def set_environment(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    variables = {
        "ENVIRONMENT": "rehearsal",
        "TOPIC_ARN": TOPIC,
        "COST_BANDS": json.dumps(BANDS),
        "COST_METRIC": "UnblendedCost",
        "COST_TAG_KEY": "Environment",
        "AWS_ENDPOINT_URL": server.url,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": "127.0.0.1",
        "POWERTOOLS_SERVICE_NAME": "cost_report",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Report:
    return Report(capsys, monkeypatch)


def test_a_short_report_asks_four_times_and_sends_one_mail(aws: Aws, report: Report) -> None:
    result = report.run()
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
    assert result == {
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
        "services": [
            {"service": ECS, "cost": "310.50", "change": "10.50"},
            {"service": RDS, "cost": "101.25", "change": "1.25"},
            {"service": "AWS Secrets Manager", "cost": "-1.75", "change": "-1.75"},
        ],
        "bands": [
            {"service": ECS, "cost": "310.50", "max_usd": "420.00", "state": "not_above"},
            {"service": "AWS Data Transfer", "cost": "0.00", "max_usd": "20.00", "state": "no_cost"},
            {"service": "Total", "cost": "410.00", "max_usd": "566.00", "state": "not_above"},
        ],
    }
    assert report.values() == {
        ("MonthToDateCost", ""): 410.0,
        ("ForecastCost", ""): pytest.approx(500.0),
        ("MonthToDateCost", ECS): 310.5,
        ("MonthToDateCost", RDS): 101.25,
        ("MonthToDateCost", "AWS Secrets Manager"): -1.75,
    }
    dimensions = [line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for line in report.metrics]
    assert dimensions == [[["Environment"]], *[[["Environment", "Service"]]] * 3]
    (mail,) = aws.mails
    assert (mail["Action"], mail["TopicArn"]) == ("Publish", TOPIC)
    assert mail["Subject"] == "Costs of rehearsal, November 2026: 410.00 USD; forecast 500.00"
    assert "Nothing is above its band." in mail["Message"]
    assert "These numbers are AWS's estimates" in mail["Message"]
    assert [log["message"] for log in report.logs] == ["Costs reported"]


def test_a_long_report_asks_once_more_for_the_months_before(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"].append(months("0", "0", "300.5", "310", "299", "405"))
    result = report.run({"form": "long"})
    assert (result["form"], result["requests"]) == ("long", 5)
    assert aws.periods[2] == ("2026-05-01", "2026-11-01")
    message = aws.mails[0]["Message"]
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
    assert (report.metrics, len(aws.mails)) == ([], 1)


def test_the_first_of_a_month_reports_the_whole_month_before(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"].append(usage(**{ECS: "400"}))
    result = report.run(today="2027-01-01")
    assert aws.periods == [("2026-12-01", "2027-01-01"), ("2026-11-01", "2026-12-01"), ("2026-12-01", "2026-12-31")]
    assert aws.requests["GetCostForecast"] == []
    assert (result["start"], result["end"]) == ("2026-12-01", "2027-01-01")
    assert "1 to 31 December 2026 (31 days), the whole month" in aws.mails[0]["Message"]
    assert "against 400.00 in 1 to 30 December 2026" in aws.mails[0]["Message"]
    assert ("ForecastCost", "") not in report.values()


def test_without_the_tag_the_whole_account_is_reported_and_said(aws: Aws, report: Report) -> None:
    aws.recorded["ListCostAllocationTags"] = [(200, INACTIVE)]
    assert report.run()["tag"] == "inactive"
    assert "Filter" not in aws.requests["GetCostAndUsage"][0] | aws.requests["GetCostForecast"][0]
    assert "The whole account: the cost-allocation tag Environment is not activated" in aws.mails[0]["Message"]


def test_in_an_organization_only_the_payer_knows_the_tags(aws: Aws, report: Report) -> None:
    message = "Failed to list Cost Allocation Tags: Linked account doesn't have access to cost allocation tags."
    aws.recorded["ListCostAllocationTags"] = [error("AccessDeniedException", message)]
    assert report.run()["tag"] == "unknown"
    assert "only the organization's paying account knows" in aws.mails[0]["Message"]


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (error("DataUnavailableException", "Insufficient history"), "too_little_history", "too little history"),
        (error("ValidationException", "filter not allowed"), "refused", "AWS refused to make one"),
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
    assert words in aws.mails[0]["Message"]


@pytest.mark.parametrize(
    "answer", [usage(), (200, {"ResultsByTime": []}), error("DataUnavailableException")], ids=["empty", "none", "error"]
)
def test_no_data_yet_is_a_state_and_publishes_no_metric(aws: Aws, report: Report, answer: Recorded) -> None:
    aws.recorded["GetCostAndUsage"] = [answer]
    result = report.run()
    assert (result["state"], result["requests"]) == ("no_data", 2)
    assert report.metrics == []
    assert aws.mails[0]["Subject"] == "Costs of rehearsal: no data yet"


def test_the_first_month_has_nothing_to_compare_with(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"][1] = usage(start="2026-10-01")
    result = report.run()
    assert (result.get("before"), result.get("change")) == (None, None)
    assert "no data of the month before to compare with" in aws.mails[0]["Message"]


def test_another_currency_is_reported_without_bands(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"] = [usage(unit="CNY", **{ECS: "9000", "Tax": "0"}), usage(unit="CNY", **{ECS: "1"})]
    aws.recorded["GetCostForecast"] = [forecast("1", "CNY")]
    result = report.run()
    assert result.get("currency") == "CNY"
    assert {band["state"] for band in result.get("bands", [])} == {"not_compared"}  # type: ignore[attr-defined]
    assert "Bands are in USD, not compared with CNY." in aws.mails[0]["Message"]


def test_amortized_costs_are_asked_for_as_such(aws: Aws, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COST_METRIC", "AmortizedCost")
    amortized = json.loads(json.dumps(aws.recorded["GetCostAndUsage"]).replace("UnblendedCost", "AmortizedCost"))
    aws.recorded["GetCostAndUsage"] = [(status, body) for status, body in amortized]
    assert report.run().get("month_to_date") == "410.00"
    assert aws.requests["GetCostAndUsage"][0]["Metrics"] == ["AmortizedCost"]
    assert aws.requests["GetCostForecast"][0]["Metric"] == "AMORTIZED_COST"
    assert "AmortizedCost in USD" in aws.mails[0]["Message"]


def test_credits_can_make_all_of_it_negative(aws: Aws, report: Report) -> None:
    aws.recorded["GetCostAndUsage"] = [usage(**{ECS: "10", RDS: "-110.004"}), usage(**{ECS: "-20"})]
    result = report.run()
    assert (result.get("month_to_date"), result.get("change")) == ("-100.00", "-80.00")
    assert report.values()["MonthToDateCost", ""] == -100.004
    assert "-20.00  in 1 to 22 October 2026 (22 days): -80.00\n" in aws.mails[0]["Message"]


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
def test_numbers_that_cannot_be_understood_are_an_error(
    aws: Aws, report: Report, recorded: dict[str, list[Recorded]], message: str
) -> None:
    aws.recorded |= recorded
    with pytest.raises(CostDataError, match=message):
        report.run()
    assert (report.metrics, aws.mails) == ([], [])


@pytest.mark.parametrize("code", ["ThrottlingException", "LimitExceededException"])
def test_throttling_is_waited_out(aws: Aws, report: Report, code: str) -> None:
    aws.recorded["GetCostForecast"].insert(0, error(code))
    assert report.run()["state"] == "reported"
    assert len(aws.requests["GetCostForecast"]) == 2


@pytest.mark.parametrize("operation", ["ListCostAllocationTags", "GetCostAndUsage", "GetCostForecast"])
def test_access_denied_is_an_error_that_names_the_operation(aws: Aws, report: Report, operation: str) -> None:
    aws.recorded[operation] = [error("AccessDeniedException", "not authorized to perform")]
    with pytest.raises(CostExplorerError, match=rf"AccessDeniedException.* {operation} operation.* not authorized"):
        report.run()
    assert (report.metrics, aws.mails) == ([], [])


def test_a_topic_that_takes_nothing_is_an_error(aws: Aws, report: Report) -> None:
    aws.topic_status = 400
    with pytest.raises(TopicError, match=f"topic {TOPIC} did not accept the report: .*KMSAccessDenied"):
        report.run()


def test_nobody_there_is_an_error(report: Report, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_COST_EXPLORER", nobody().url)
    monkeypatch.setattr(explorer, "_CONFIG", Config(retries={"total_max_attempts": 1}))
    with pytest.raises(CostExplorerError, match="Cost Explorer cannot be reached: Could not connect"):
        report.run()
    assert aws.mails == []


def test_bad_settings_are_refused_before_anything_is_asked(
    aws: Aws, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidSettingError, match="form must be short or long"):
        report.run({"form": "medium"})
    monkeypatch.setenv("COST_METRIC", "BlendedCost")
    with pytest.raises(InvalidSettingError, match="COST_METRIC must be UnblendedCost or AmortizedCost"):
        report.run()
    assert aws.requests == {}
