"""What the cost report calls, with recorded answers over HTTP; and the report as its Lambda runs it."""

import json
import sys
from collections import defaultdict
from datetime import date
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.cost_report import comparing, handler
from ops_lambdas.cost_report.core import Period
from ops_lambdas.cost_report.deployed import DeployedError
from ops_lambdas.cost_report.report import CostReportResult
from ops_lambdas.cost_report.savings import Facts
from prices.estimate import Estimate, estimate
from prices.table import Prices, list_prices
from tests.integration.checks.conftest import CONTEXT
from tests.integration.checks.servers import Exchange, answers

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
    """Cost Explorer and SNS: each operation returns its recorded answers in turn, and repeats the last one."""

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
        self.emails: list[dict[str, str]] = []
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
        self.emails.append(form)
        result = "<PublishResult><MessageId>1</MessageId></PublishResult>"
        if self.topic_status != 200:
            result = f"<Error><Code>KMSAccessDenied</Code><Message>{escape('no key')}</Message></Error>"
        kind = "ErrorResponse" if self.topic_status != 200 else "PublishResponse"
        namespace = "http://sns.amazonaws.com/doc/2010-03-31/"
        xml = f'<{kind} xmlns="{namespace}">{result}</{kind}>'.encode()
        answers(self.topic_status, xml, content_type="text/xml")(exchange)

    @property
    def periods(self) -> list[tuple[str, str]]:
        """The periods requested of GetCostAndUsage."""
        return [(one["TimePeriod"]["Start"], one["TimePeriod"]["End"]) for one in self.requests["GetCostAndUsage"]]


_CONTEXT = cast(LambdaContext, SimpleNamespace(**{**vars(CONTEXT), "get_remaining_time_in_millis": lambda: 300_000}))


class Deployed:
    """What is deployed: a load balancer, and tasks of 2 vCPU and 8 GiB; or it cannot be read."""

    def __init__(self) -> None:
        self.tasks = 3.0
        self.why_not = ""

    @property
    def prices(self) -> Prices:
        return list_prices("us-east-1")

    @property
    def templates(self) -> dict[str, Any]:
        if self.why_not:
            raise DeployedError(self.why_not)
        task = {"Cpu": "2048", "Memory": "8192", "RuntimePlatform": {"CpuArchitecture": "X86_64"}}
        strategy = [{"CapacityProvider": "FARGATE", "Weight": 1}]
        resources = {
            "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": task},
            "Service": {
                "Type": "AWS::ECS::Service",
                "Properties": {"TaskDefinition": {"Ref": "Task"}, "CapacityProviderStrategy": strategy},
            },
            "Nat": {"Type": "AWS::EC2::NatGateway"},
        }
        return {"service": {"Resources": resources}}

    def price(self) -> Estimate:
        return estimate(self.templates, self.prices)

    def average_tasks(self, period: Period) -> float:
        assert period.days
        return self.tasks


class Report:
    """The check as its Lambda runs it, and what it wrote."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.deployed = Deployed()
        self.facts = Facts()
        self.metrics: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []

    def run(self, event: object = None, *, today: str = "2026-11-23") -> CostReportResult:
        self._monkeypatch.setattr(handler, "_today", lambda: date.fromisoformat(today))
        self._monkeypatch.setattr(comparing, "Deployed", lambda *_, **__: self.deployed)
        self._monkeypatch.setattr(comparing, "Survey", lambda *_: SimpleNamespace(facts=lambda: self.facts))
        try:
            with mock.patch.object(handler.logger.handlers[0], "stream", sys.stdout):
                result: CostReportResult = handler.handler(event, _CONTEXT)
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
