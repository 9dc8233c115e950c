"""The services that housekeeping calls, with recorded answers over HTTP; and housekeeping as its Lambda runs it."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import pytest

from ops_lambdas.housekeeping import handler
from ops_lambdas.housekeeping.access import NotCheckedError
from ops_lambdas.housekeeping.report import HousekeepingResult
from tests.integration.checks.conftest import CONTEXT
from tests.integration.checks.servers import Behaviour, Exchange, answers

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:000000000000:pardon-rehearsal-alarms"
DATABASE = "pardon-rehearsal-database"
NAMES = ("cron-secret", "database-url", "openai-api-key")
ARNS = [f"arn:aws:secretsmanager:us-east-1:000000000000:secret:pardon-rehearsal/{name}-AbCdEf" for name in NAMES]
CRON, URL, OPENAI = ARNS
NAMESPACES = {"sns": "http://sns.amazonaws.com/doc/2010-03-31/", "rds": "http://rds.amazonaws.com/doc/2014-10-31/"}


def version(days: float, *stages: str, id_: str = "v") -> dict[str, Any]:
    created = (NOW - timedelta(days=days)).timestamp()
    return {"VersionId": f"{id_}{days}", "VersionStages": list(stages), "CreatedDate": created}


def refused(code: str, message: str = "no", *, service: str = "secretsmanager") -> Behaviour:
    """Return an error in the format of the service, which botocore does not retry."""
    if service == "secretsmanager":
        return answers(400, {"__type": code, "message": message}, content_type="application/x-amz-json-1.1")
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return xml(service, "ErrorResponse", text, status=403)


def xml(service: str, name: str, inner: str, *, status: int = 200) -> Behaviour:
    body = f'<{name} xmlns="{NAMESPACES[service]}">{inner}</{name}>'
    return answers(status, body.encode(), content_type="text/xml")


def subscriptions(*members: tuple[str, str, str], token: str = "") -> Behaviour:
    """A page of ListSubscriptionsByTopic: protocol, endpoint and ARN of each."""
    listed = "".join(
        f"<member><TopicArn>{TOPIC}</TopicArn><Protocol>{protocol}</Protocol><SubscriptionArn>{arn}</SubscriptionArn>"
        f"<Owner>000000000000</Owner><Endpoint>{endpoint}</Endpoint></member>"
        for protocol, endpoint, arn in members
    )
    more = f"<NextToken>{token}</NextToken>" if token else ""
    result = f"<ListSubscriptionsByTopicResult><Subscriptions>{listed}</Subscriptions>{more}"
    return xml("sns", "ListSubscriptionsByTopicResponse", f"{result}</ListSubscriptionsByTopicResult>")


def instance(
    *, restorable: timedelta | None = timedelta(minutes=4), created: timedelta | None = timedelta(days=9)
) -> str:
    times = {"LatestRestorableTime": restorable, "InstanceCreateTime": created}
    elements = "".join(f"<{name}>{NOW - ago:%Y-%m-%dT%H:%M:%S.000Z}</{name}>" for name, ago in times.items() if ago)
    status = "available" if created else "creating"
    identifier = f"<DBInstanceIdentifier>{DATABASE}</DBInstanceIdentifier>"
    return f"<DBInstance>{identifier}<DBInstanceStatus>{status}</DBInstanceStatus>{elements}</DBInstance>"


def instances(*members: str) -> Behaviour:
    listed = f"<DBInstances>{''.join(members)}</DBInstances>"
    return xml("rds", "DescribeDBInstancesResponse", f"<DescribeDBInstancesResult>{listed}</DescribeDBInstancesResult>")


def snapshots(status: str = "available", **days: str) -> Behaviour:
    """RDS's answer: snapshots by name, with their last day."""
    listed = "".join(
        f"<DBSnapshot><DBSnapshotIdentifier>{name}</DBSnapshotIdentifier><Status>{status}</Status>"
        f"<TagList><Tag><Key>DeleteAfter</Key><Value>{day}</Value></Tag></TagList></DBSnapshot>"
        for name, day in days.items()
    )
    result = f"<DescribeDBSnapshotsResult><DBSnapshots>{listed}</DBSnapshots></DescribeDBSnapshotsResult>"
    return xml("rds", "DescribeDBSnapshotsResponse", result)


def deleted(name: str) -> Behaviour:
    inner = f"<DBSnapshot><DBSnapshotIdentifier>{name}</DBSnapshotIdentifier></DBSnapshot>"
    result = f"<DeleteDBSnapshotResult>{inner}</DeleteDBSnapshotResult>"
    return xml("rds", "DeleteDBSnapshotResponse", result)


def confirmed_before(*values: float) -> Behaviour:
    """CloudWatch's answer: what the runs of the last hours counted, the latest first."""
    result = {"Id": "confirmed", "Label": "ConfirmedSubscribers", "StatusCode": "Complete", "Values": list(values)}
    return answers(200, {"MetricDataResults": [result]}, content_type="application/x-amz-json-1.0")


def in_alarm(*names: str) -> Behaviour:
    """CloudWatch's answer: metric alarms that are in ALARM for five minutes."""
    since = (NOW - timedelta(minutes=5)).timestamp()
    alarms = [
        {"AlarmName": name, "StateValue": "ALARM", "StateUpdatedTimestamp": since, "AlarmDescription": f"P1: {name}."}
        for name in names
    ]
    return answers(200, {"MetricAlarms": alarms}, content_type="application/x-amz-json-1.0")


class Aws:
    """The three services.

    Attributes:
        versions: pages of versions by secret; a secret without them does not exist.
        deleted: secrets that are scheduled for deletion.
        rotated: secrets that rotate by themselves.
        behaviours: of an operation in turn, the last one is repeated; instead of the answers made from versions.
        requests: operations and their parameters.
    """

    def __init__(self) -> None:
        self.versions = {
            CRON: [[version(84, "AWSCURRENT"), version(169, "AWSPREVIOUS")]],
            URL: [[version(12.5, "AWSCURRENT")]],
            OPENAI: [[version(40, "AWSCURRENT"), version(41, "AWSPREVIOUS")]],
        }
        self.deleted: set[str] = set()
        self.rotated = {CRON}
        self.behaviours: dict[str, list[Behaviour]] = {
            "ListSubscriptionsByTopic": [subscriptions(("email", "operator@example.com", f"{TOPIC}:1"))],
            "DescribeDBInstances": [instances(instance())],
            "DescribeDBSnapshots": [snapshots()],
            "DeleteDBSnapshot": [deleted("any")],
            "GetMetricData": [confirmed_before(1)],
            "DescribeAlarms": [in_alarm()],
        }
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, exchange: Exchange) -> None:
        request = exchange.request
        target = request.headers.get("x-amz-target", "").rpartition(".")[2]
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        parameters = json.loads(request.body) if target else form
        operation = target or form["Action"]
        self.requests.append((operation, parameters))
        if left := self.behaviours.get(operation):
            (left.pop(0) if len(left) > 1 else left[0])(exchange)
        else:
            self._secret(operation, parameters)(exchange)

    def count(self, operation: str) -> int:
        return sum(name == operation for name, _ in self.requests)

    def _secret(self, operation: str, parameters: dict[str, Any]) -> Behaviour:
        arn = parameters["SecretId"]
        if arn not in self.versions:
            return refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        answer: dict[str, Any] = {"ARN": arn, "Name": arn.partition(":secret:")[2].removesuffix("-AbCdEf")}
        if operation == "DescribeSecret":
            answer |= {"DeletedDate": NOW.timestamp()} if arn in self.deleted else {}
            answer |= {"RotationEnabled": True} if arn in self.rotated else {}
        else:
            assert operation == "ListSecretVersionIds", f"{operation} is not for this check"
            pages, page = self.versions[arn], int(parameters.get("NextToken", 0))
            more = {"NextToken": str(page + 1)} if page + 1 < len(pages) else {}
            answer |= {"Versions": pages[page], **more}
        return answers(200, answer, content_type="application/x-amz-json-1.1")


class Housekeeping:
    """The check as its Lambda runs it, and what it wrote."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.values: dict[str, float] = {}
        self.logs: list[dict[str, Any]] = []

    def run(self, event: object = None) -> HousekeepingResult:
        try:
            with mock.patch.object(handler.logger.handlers[0], "stream", sys.stdout):
                result: HousekeepingResult = handler.handler(event, CONTEXT)
        finally:
            lines = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
            self.logs = [line for line in lines if "_aws" not in line]
            metrics = [line for line in lines if "_aws" in line]
            for line in metrics:
                assert (line["Environment"], line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]) == (
                    "rehearsal",
                    [["Environment"]],
                )
            self.values = {
                metric["Name"]: line[metric["Name"]][0]
                for line in metrics
                for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
            }
        json.dumps(result, allow_nan=False)
        return result

    def fails(self, message: str) -> dict[str, Any]:
        """Run, see it fail, and return the result that it logged."""
        with pytest.raises(NotCheckedError, match=message) as caught:
            self.run()
        (log,) = self.logs[:1]
        assert log["level"] == "WARNING"
        assert str(caught.value) == f"not checked: {'; '.join(log['result']['failures'])}"
        assert log["result"]["state"] == "incomplete"
        return dict(log["result"])
