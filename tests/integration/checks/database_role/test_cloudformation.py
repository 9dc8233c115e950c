"""Database role as CloudFormation or the schedule calls it."""

import json
from contextlib import closing
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.database_role.handler import handler
from tests.integration.checks.conftest import ARN, Secrets
from tests.integration.checks.servers import answers, in_turn, resets, serving
from tests.integration.checks.variables import AWS
from tests.integration.conftest import Database


class Requested:
    """The handler as CloudFormation or the schedule calls it."""

    def __init__(self, database: Database, secrets: Secrets, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
        secrets.hold(json.dumps({"password": database.password}))
        self.password = database.password
        variables = {
            "ENVIRONMENT": "rehearsal",
            "DATABASE_HOST": database.server.host,
            "DATABASE_PORT": str(database.server.port),
            "DATABASE_NAME": database.name,
            "DATABASE_USER": role,
            "MASTER_USER": database.user,
            "MASTER_SECRET_ARN": ARN,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets.url,
            **AWS,
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    def run(self, event: object, *, milliseconds: int = 60_000) -> Any:
        context = SimpleNamespace(
            function_name="f",
            memory_limit_in_mb="256",
            invoked_function_arn="arn",
            aws_request_id="id",
            get_remaining_time_in_millis=lambda: milliseconds,
        )
        return handler(event, cast(LambdaContext, context))

    def by_cloudformation(self, kind: str, *, milliseconds: int = 60_000) -> tuple[Any, dict[str, Any]]:
        with serving(in_turn(resets, answers(503), answers(200))) as bucket:
            result = self.run(self.request(kind, bucket.url), milliseconds=milliseconds)
        assert [(one.method, one.headers["content-type"]) for one in bucket.requests] == [("PUT", "")] * 3
        body = json.loads(bucket.requests[-1].body)
        assert {key: body[key] for key in ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")} == {
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Role",
            "PhysicalResourceId": "database-role",
        }
        assert self.password not in bucket.requests[-1].body.decode()
        return result, body

    def request(self, kind: str, url: str) -> dict[str, Any]:
        return {
            "RequestType": kind,
            "ResponseURL": f"{url}/answer?signed",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Role",
            "ResourceType": "Custom::DatabaseRole",
            "ResourceProperties": {"ServiceToken": "arn"},
        }


@pytest.fixture
def requested(database: Database, secrets: Secrets, role: str, monkeypatch: pytest.MonkeyPatch) -> Requested:
    monkeypatch.setattr("ops_lambdas.shared.custom_resource.time.sleep", lambda _: None)
    return Requested(database, secrets, role, monkeypatch)


def test_cloudformation_gets_success_and_a_deletion_keeps_the_role(
    requested: Requested, database: Database, role: str
) -> None:
    result, body = requested.by_cloudformation("Create")
    assert (result["state"], body["Status"], body["Data"]) == ("ensured", "SUCCESS", {"State": "ensured"})
    assert requested.run({})["granted"] == []
    with closing(database.server.connect()) as admin:
        result, body = requested.by_cloudformation("Delete")
        assert (result["state"], body["Status"]) == ("left", "SUCCESS")
        assert admin.run("SELECT FROM pg_roles WHERE rolname = :role", role=role) == [[]]


def test_cloudformation_gets_failures_without_secrets(
    requested: Requested, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested.password = "hunter2"
    secrets.hold(json.dumps({"password": requested.password}))
    result, body = requested.by_cloudformation("Update")
    assert (result["state"], body["Status"]) == ("failed", "FAILED")
    assert "password authentication failed" in body["Reason"]
    secrets.status = 400
    assert "cannot be read" in requested.by_cloudformation("Create")[1]["Reason"]
    monkeypatch.setenv("DATABASE_USER", "Robert'); DROP")
    assert "DATABASE_USER must be" in requested.by_cloudformation("Create")[1]["Reason"]
    assert requested.by_cloudformation("Delete")[1]["Status"] == "SUCCESS"


def test_without_time_nothing_is_changed_and_cloudformation_gets_the_reason(
    requested: Requested, database: Database, role: str
) -> None:
    _, body = requested.by_cloudformation("Create", milliseconds=20_000)
    assert (body["Status"], body["Reason"]) == ("FAILED", "time ran out, nothing was changed")
    with closing(database.server.connect()) as admin:
        assert admin.run("SELECT FROM pg_roles WHERE rolname = :role", role=role) == []


def test_an_unexpected_error_is_sent_and_raised(requested: Requested, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops_lambdas.database_role.handler.RoleMaker", None)
    with serving(answers(200)) as bucket, pytest.raises(TypeError):
        requested.run(requested.request("Create", bucket.url))
    assert json.loads(bucket.requests[0].body)["Reason"] == "unexpected error, see the function's log"
