"""Taking over the secrets that were copied to a recovery region, against the emulated Secrets Manager."""

import json
from typing import Any
from uuid import uuid4

import pytest

from ops_lambdas.copied_secrets.function import handler
from tests.integration.checks.conftest import CONTEXT
from tests.integration.checks.servers import answers, serving
from tests.integration.checks.variables import AWS
from tests.integration.emulator_process import Emulator

HOME, RECOVERY = "us-east-1", "us-west-2"


@pytest.fixture
def copied(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of two secrets that follow the home region's, in the recovery region."""
    home = emulator.client("secretsmanager", HOME)
    for name, value in {
        **AWS,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": home.meta.endpoint_url,
        "AWS_DEFAULT_REGION": RECOVERY,
        "AWS_REGION": RECOVERY,
    }.items():
        monkeypatch.setenv(name, value)
    names = [f"test/{uuid4()}" for _ in range(2)]
    for name in names:
        home.create_secret(Name=name, SecretString="before")
        home.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": RECOVERY}])
    return names


def respond(names: list[str], kind: str = "Create") -> dict[str, Any]:
    """What CloudFormation gets."""
    with serving(answers(200)) as bucket:
        secrets = dict(zip(("First", "Second", "Third"), names, strict=False))
        event = {
            "RequestType": kind,
            "ResponseURL": f"{bucket.url}/answer?signed",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Secrets",
            "ResourceProperties": {"ServiceToken": "arn", "Copy": "make deploy ENV=test", "Secrets": secrets},
        }
        handler(event, CONTEXT)
        (request,) = bucket.requests
    body: dict[str, Any] = json.loads(request.body)
    return body


def test_copies_become_the_region_s_own_and_follow_no_longer(emulator: Emulator, copied: list[str]) -> None:
    home, there = (emulator.client("secretsmanager", region) for region in (HOME, RECOVERY))
    with pytest.raises(there.exceptions.InvalidRequestException):
        there.put_secret_value(SecretId=copied[0], SecretString="refused")
    for _ in range(2):  # a recovery can be run again
        body = respond(copied)
        arns = [there.describe_secret(SecretId=name)["ARN"] for name in copied]
        assert (body["Status"], list(body["Data"].values())) == ("SUCCESS", arns)
        assert all(f":{RECOVERY}:" in arn for arn in arns)
    there.put_secret_value(SecretId=copied[0], SecretString="own")
    home.put_secret_value(SecretId=copied[0], SecretString="after")
    assert there.get_secret_value(SecretId=copied[0])["SecretString"] == "own"
    assert there.get_secret_value(SecretId=copied[1])["SecretString"] == "before"


def test_without_one_of_them_nothing_is_taken_over(emulator: Emulator, copied: list[str]) -> None:
    body = respond([*copied, "test/absent"])
    assert body["Status"] == "FAILED"
    assert body["Reason"] == (
        f"secrets that are not in {RECOVERY}: test/absent; they are copied by `make deploy ENV=test`"
    )
    there = emulator.client("secretsmanager", RECOVERY)
    for name in copied:
        assert there.describe_secret(SecretId=name)["PrimaryRegion"] == HOME


def test_deletion_leaves_them(emulator: Emulator, copied: list[str]) -> None:
    assert respond(copied, "Delete")["Status"] == "SUCCESS"
    there = emulator.client("secretsmanager", RECOVERY)
    assert there.describe_secret(SecretId=copied[0])["PrimaryRegion"] == HOME


def test_emulated_copy_needs_a_key_of_its_region(emulator: Emulator) -> None:
    home, kms = emulator.client("secretsmanager", HOME), emulator.client("kms", RECOVERY)
    name, alias = f"test/{uuid4()}", f"alias/{uuid4()}"
    home.create_secret(Name=name, SecretString="value")
    there = {"Region": RECOVERY, "KmsKeyId": alias}
    with pytest.raises(home.exceptions.InvalidParameterException):
        home.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[there])
    kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    answer = home.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[there])
    assert [one["Region"] for one in answer["ReplicationStatus"]] == [RECOVERY]
