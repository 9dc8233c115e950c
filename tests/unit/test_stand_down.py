"""Making a region a standby again: what is refused, and what is done to the database and its secrets."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from application import SECRETS
from config import PRODUCTION
from procedures.recover.places import Other
from procedures.recover.source import RecoveryError
from procedures.stand_down import __main__ as procedure

DATABASE, EVIDENCE = "pardon-production-database", "pardon-production-database-until-20261128-0300"


@pytest.fixture
def rds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client("rds", aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
    with Stubber(client) as stubber:
        yield stubber


def described(stubber: Stubber, *, is_there: bool) -> None:
    asked = {"DBInstanceIdentifier": DATABASE}
    if is_there:
        stubber.add_response("describe_db_instances", {"DBInstances": [asked]}, asked)
    else:
        stubber.add_client_error("describe_db_instances", "DBInstanceNotFound", expected_params=asked)


def test_database_is_renamed_at_once_and_waited_for(rds: Stubber) -> None:
    described(rds, is_there=True)
    asked = {"DBInstanceIdentifier": DATABASE, "NewDBInstanceIdentifier": EVIDENCE, "ApplyImmediately": True}
    rds.add_response("modify_db_instance", {}, asked)
    described(rds, is_there=True)
    described(rds, is_there=False)
    waited: list[float] = []
    assert procedure.rename(PRODUCTION, EVIDENCE, sleep=waited.append) == f"{DATABASE} is {EVIDENCE} now"
    assert len(waited) == 1


def test_second_run_renames_nothing(rds: Stubber) -> None:
    described(rds, is_there=False)
    assert procedure.rename(PRODUCTION, EVIDENCE) == f"no {DATABASE} in us-east-1"


def test_database_that_keeps_its_name_is_named(rds: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procedure, "_RENAME_SECONDS", -1)
    described(rds, is_there=True)
    rds.add_response("modify_db_instance", {})
    described(rds, is_there=True)
    with pytest.raises(RecoveryError, match=f"{DATABASE} is not {EVIDENCE} yet"):
        procedure.rename(PRODUCTION, EVIDENCE)


def test_old_databases_of_every_run_are_deleted_with_a_last_snapshot(rds: Stubber) -> None:
    other = "pardon-staging-database-until-20261128-0300"
    names = (EVIDENCE, DATABASE, other, f"{DATABASE}-until-20260101-0000")
    rds.add_response("describe_db_instances", {"DBInstances": [{"DBInstanceIdentifier": name} for name in names]})
    shown = list(procedure.deletions(PRODUCTION))
    for name, (_, unprotect, delete) in zip((names[3], EVIDENCE), (shown[:3], shown[3:]), strict=True):
        one = f"--region us-east-1 --db-instance-identifier {name}"
        assert unprotect == f"  aws rds modify-db-instance {one} --no-deletion-protection --apply-immediately"
        assert delete == f"  aws rds delete-db-instance {one} --final-db-snapshot-identifier {name}"


@pytest.mark.parametrize(("targets", "is_refused"), [(None, True), (0, True), (1, False)])
def test_last_region_that_serves_is_refused_unless_insisted_on(targets: int | None, is_refused: bool) -> None:
    other = Other(targets=targets, found="the other region")
    procedure._refuse_none(other, is_insisted=True)
    if is_refused:
        with pytest.raises(RecoveryError, match="nobody would serve"):
            procedure._refuse_none(other, is_insisted=False)
    else:
        procedure._refuse_none(other, is_insisted=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--environment", "production", "--region", "eu-west-1"], "REGION must be us-west-2 or us-east-1"),
        (["--environment", "staging", "--region", "us-east-1"], "with recovery 'none'"),
        (["--environment", "nowhere", "--region", "us-east-1"], "environment must be one of"),
    ],
)
def test_wrong_place_is_refused_before_aws_is_asked(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert procedure.main(arguments) == 1
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_only_the_database_s_secrets_are_deleted_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client(
        "secretsmanager", aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
    with Stubber(client) as stubber:
        for name, answer in (("database-url", None), ("database-password", "ResourceNotFoundException")):
            asked: dict[str, Any] = {"SecretId": f"pardon-production/{name}", "ForceDeleteWithoutRecovery": True}
            if answer:
                stubber.add_client_error("delete_secret", answer, expected_params=asked)
            else:
                stubber.add_response("delete_secret", {}, asked)
        assert procedure.renew_secrets(PRODUCTION) == "the database's are deleted"
        stubber.assert_no_pending_responses()


def test_secrets_of_the_recovery_region_become_copies_again_each(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client(
        "secretsmanager", aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
    there = {"Region": "us-west-2", "KmsKeyId": "alias/pardon-production-secrets"}
    with Stubber(client) as stubber:
        for _ in range(2):
            stubber.add_response("delete_secret", {})
        for one in SECRETS:
            stubber.add_response(
                "replicate_secret_to_regions",
                {},
                {
                    "SecretId": f"pardon-production/{one.name}",
                    "AddReplicaRegions": [there],
                    "ForceOverwriteReplicaSecret": True,
                },
            )
        found = procedure.renew_secrets(replace(PRODUCTION, region="us-west-2"))
        assert found == f"the database's are deleted, {len(SECRETS)} are copies of us-east-1's again"
        stubber.assert_no_pending_responses()
