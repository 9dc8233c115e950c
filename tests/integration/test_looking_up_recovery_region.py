"""Looking up what the recovery region has, against the emulated AWS."""

import json
from typing import Any

import pytest

from ops_lambdas.recovery_region.function import handler
from ops_lambdas.shared.settings import InvalidSettingError
from tests.integration.checks.conftest import CONTEXT
from tests.integration.checks.servers import answers, serving
from tests.integration.checks.variables import AWS
from tests.integration.emulator_process import Emulator


@pytest.fixture
def alias(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The alias of a key in us-west-2, and of none in us-east-1."""
    kms = emulator.client("kms", "us-west-2")
    endpoint = kms.meta.endpoint_url
    for name, value in {**AWS, "AWS_ENDPOINT_URL_KMS": endpoint, "AWS_ENDPOINT_URL_CLOUDFORMATION": endpoint}.items():
        monkeypatch.setenv(name, value)
    name = "alias/pardon-test-data"
    if not any(one["AliasName"] == name for one in kms.list_aliases()["Aliases"]):
        kms.create_alias(AliasName=name, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    return name


def respond(kind: str, **properties: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the function returns, and what CloudFormation gets."""
    with serving(answers(200)) as bucket:
        event = {
            "RequestType": kind,
            "ResponseURL": f"{bucket.url}/answer?signed",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Key",
            "ResourceProperties": {
                "ServiceToken": "arn",
                "Create": "make standby ENV=test",
                "Stack": "there",
                "BucketId": "Bucket",
                **properties,
            },
        }
        result = handler(event, CONTEXT)
        (request,) = bucket.requests
    return result, json.loads(request.body)


def test_cloudformation_gets_the_key_of_the_other_region(emulator: Emulator, alias: str) -> None:
    emulator.deploy("there", {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}}}, "us-west-2")
    result, body = respond("Create", Region="us-west-2", Alias=alias)
    key = emulator.client("kms", "us-west-2").describe_key(KeyId=alias)["KeyMetadata"]["Arn"]
    found = emulator.client("cloudformation", "us-west-2").describe_stack_resource(
        StackName="there", LogicalResourceId="Bucket"
    )
    bucket = found["StackResourceDetail"]["PhysicalResourceId"]
    assert (body["Status"], body["Data"]) == ("SUCCESS", {"KeyArn": key, "Bucket": bucket})
    assert (result["state"], body["PhysicalResourceId"]) == ("found", "recovery-region")


@pytest.mark.parametrize("properties", [{"Stack": "absent"}, {"BucketId": "Absent"}])
def test_without_the_bucket_the_deployment_fails_with_what_to_run(alias: str, properties: dict[str, str]) -> None:
    _, body = respond("Create", Region="us-west-2", Alias=alias, **properties)
    assert body["Status"] == "FAILED"
    assert "in us-west-2: run `make standby ENV=test` first" in body["Reason"]


def test_without_the_key_the_deployment_fails_with_what_to_run(alias: str) -> None:
    _, body = respond("Update", Region="us-east-1", Alias=alias)
    assert (body["Status"], body["Reason"]) == (
        "FAILED",
        f"there is no key {alias} in us-east-1 for the backups: run `make standby ENV=test` first",
    )


def test_disabled_key_fails_the_deployment(emulator: Emulator, alias: str) -> None:
    kms = emulator.client("kms", "us-west-2")
    key = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key)
    try:
        _, body = respond("Create", Region="us-west-2", Alias=alias)
        assert body["Status"] == "FAILED"
        assert "is Disabled, must be Enabled" in body["Reason"]
    finally:
        kms.enable_key(KeyId=key)


def test_deletion_asks_nothing_and_wrong_calls_are_refused(alias: str) -> None:
    assert respond("Delete", Region="nowhere", Alias=alias)[1]["Status"] == "SUCCESS"
    _, body = respond("Create", Region="us-west-2")
    assert body["Status"] == "FAILED"
    assert "Alias" in body["Reason"]
    with pytest.raises(InvalidSettingError, match="event must be a request of CloudFormation"):
        handler({}, CONTEXT)
