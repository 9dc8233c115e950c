"""The token that the checks log in with: signed by boto3, for one role on one host, without a call to AWS."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from ops_lambdas.shared.login import TokenError, iam_login
from ops_lambdas.shared.settings import DatabaseSettings

CONFIG = DatabaseSettings(
    environment="production",
    database_host="pardon-production-database.abc.us-west-2.rds.amazonaws.com",
    database_port=5432,
    database_name="pardon_simulator",
    database_user="pardon_ops",
)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which keeps its credentials
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret-key")


def test_the_token_is_for_this_host_port_role_and_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-functions-role")
    login = iam_login(CONFIG)
    assert (login.host, login.port, login.database, login.username, login.kind) == (
        CONFIG.database_host,
        5432,
        "pardon_simulator",
        "pardon_ops",
        "token",
    )
    token = urlsplit(f"https://{login.password}")
    query = {name: values[0] for name, values in parse_qs(token.query, strict_parsing=True).items()}
    assert (token.hostname, token.port, token.path) == (CONFIG.database_host, 5432, "/")
    assert (query["Action"], query["DBUser"]) == ("connect", "pardon_ops")
    key, _, region, service, end = query["X-Amz-Credential"].split("/")
    assert (key, region, service, end) == ("AKIAEXAMPLE", "us-west-2", "rds-db", "aws4_request")
    assert query["X-Amz-Security-Token"] == "of-the-functions-role"
    assert timedelta(seconds=int(query["X-Amz-Expires"])) == timedelta(minutes=15)
    assert len(query["X-Amz-Signature"]) == 64
    assert login.password not in repr(login)
    assert "the-secret-key" not in login.password


def test_an_endpoint_of_other_services_does_not_change_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert iam_login(CONFIG).password.startswith(f"{CONFIG.database_host}:5432/?Action=connect&DBUser=pardon_ops&")


def test_without_a_region_there_is_no_token() -> None:
    with pytest.raises(TokenError, match=r"no token for pardon_ops at .*: You must specify a region"):
        iam_login(CONFIG)


def test_without_credentials_there_is_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(TokenError, match=r"no token for pardon_ops at .*: Unable to locate credentials"):
        iam_login(CONFIG)
