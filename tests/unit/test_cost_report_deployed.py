"""Reading what is deployed: CloudFormation's templates and the number of tasks, by botocore's own models."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.stub import Stubber

from ops_lambdas.cost_report.core import Period
from ops_lambdas.cost_report.deployed import Deployed, DeployedError

STACKS = ("pardon-staging-network", "pardon-staging-service")
DAYS = Period(date(2026, 11, 1), date(2026, 11, 23))
NAT = {"Resources": {"Nat": {"Type": "AWS::EC2::NatGateway"}}}


@pytest.fixture
def stubs(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Stubber]]:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-west-2"}
    clients = {name: boto3.client(name, **keys) for name in ("cloudformation", "cloudwatch")}
    found = {name: Stubber(client) for name, client in clients.items()}
    with mock.patch.object(boto3, "client", lambda name, **_: clients[name]):
        for one in found.values():
            one.activate()
        yield found


def deployed() -> Deployed:
    return Deployed("staging", STACKS, seconds=10)


def test_what_is_deployed_is_priced_in_its_region(stubs: dict[str, Stubber]) -> None:
    of = stubs["cloudformation"]
    of.add_response("get_template", {"TemplateBody": json.dumps(NAT)}, {"StackName": STACKS[0]})
    of.add_client_error("get_template", "ValidationError", "Stack with id pardon-staging-service does not exist")
    priced = deployed().price()
    assert priced.region == "us-west-2"
    (line,) = priced.lines
    assert (line.line.layer, line.usd(0)) == ("network", 730 * 0.045)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("Resources: {}", "the template of pardon-staging-network cannot be read: JSONDecodeError"),
        (json.dumps({"Resources": {"A": {"Type": "AWS::EC2::Instance"}}}), "what AWS::EC2::Instance"),
        (
            json.dumps({"Resources": {"A": {"Type": "AWS::RDS::DBInstance"}}}),
            "the templates cannot be priced: KeyError",
        ),
    ],
)
def test_what_has_no_price_is_named(stubs: dict[str, Stubber], body: str, reason: str) -> None:
    of = stubs["cloudformation"]
    of.add_response("get_template", {"TemplateBody": body})
    of.add_client_error("get_template", "ValidationError", "Stack with id pardon-staging-service does not exist")
    with pytest.raises(DeployedError, match=reason):
        deployed().price()


def test_a_template_that_may_not_be_read_is_named(stubs: dict[str, Stubber]) -> None:
    stubs["cloudformation"].add_client_error("get_template", "AccessDenied", "not authorized")
    with pytest.raises(DeployedError, match=r"the template of pardon-staging-network cannot be read.*not authorized"):
        deployed().price()


def tasks(*days: float) -> dict[str, Any]:
    return {"MetricDataResults": [{"Id": "tasks", "Values": list(days)}]}


def test_the_tasks_are_those_of_the_reported_days(stubs: dict[str, Stubber]) -> None:
    metric = {
        "Namespace": "PardonSimulator",
        "MetricName": "DesiredTasks",
        "Dimensions": [{"Name": "Environment", "Value": "staging"}],
    }
    asked = {
        "MetricDataQueries": [{"Id": "tasks", "MetricStat": {"Metric": metric, "Period": 86400, "Stat": "Average"}}],
        "StartTime": datetime(2026, 11, 1, tzinfo=UTC),
        "EndTime": datetime(2026, 11, 23, tzinfo=UTC),
    }
    stubs["cloudwatch"].add_response("get_metric_data", tasks(3, 4.5, 3), asked)
    assert deployed().average_tasks(DAYS) == 3.5


def test_days_without_data_are_no_days_without_tasks(stubs: dict[str, Stubber]) -> None:
    stubs["cloudwatch"].add_response("get_metric_data", tasks())
    with pytest.raises(DeployedError, match=r"DesiredTasks.*has no data in these days"):
        deployed().average_tasks(DAYS)
