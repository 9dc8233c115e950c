"""A role in rds_iam logs in with a token that IAM accepts, and with nothing else."""

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import boto3
import botocore.auth
import pg8000.native
import pytest
from pg8000.exceptions import DatabaseError

from rehearsal.machine.ports import free_port
from rehearsal.postgresql.server import Postgres
from tests.integration.emulator_process import Emulator, Resources, function, start

SIGNER = """
import boto3
def handler(event, context):
    return boto3.client("rds").generate_db_auth_token(**event)
"""

ROLE = "pardon_ops"
NAME = "pardon"
MASTER = ("master", "master-password")


@dataclass(frozen=True)
class Endpoint:
    """An emulator, the endpoint it keeps for a database, and a user who may log in as ROLE."""

    emulator: Emulator
    postgres: Postgres
    port: int
    user: dict[str, str]

    def connect(self, user: str, password: str, *, port: int | None = None, **options: Any) -> pg8000.native.Connection:
        context = ssl.create_default_context(cafile=self.postgres.ca_file)
        where = {"host": self.postgres.host, "port": port or self.port, "database": NAME}
        return pg8000.native.Connection(
            user, password=password, timeout=10, **{"ssl_context": context, **where, **options}
        )

    def token(self, user: str = ROLE, *, key: dict[str, str] | None = None, **target: Any) -> str:
        key = key or self.user
        client = rds(key["AccessKeyId"], key["SecretAccessKey"], target.pop("region", "us-east-1"))
        where = {"DBHostname": self.postgres.host, "Port": self.port, "DBUsername": user, **target}
        return str(client.generate_db_auth_token(**where))

    def new_user(self, name: str, resource: str) -> dict[str, str]:
        """A user who is allowed to connect as that dbuser; its access key."""
        iam = self.emulator.client("iam")
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="connect", PolicyDocument=policy)
        return dict(iam.create_access_key(UserName=name)["AccessKey"])


@cache
def rds(access_key: str, secret_key: str, region: str) -> Any:
    """A client that signs tokens; making one takes longer than all that it does."""
    return boto3.Session(access_key, secret_key, region_name=region).client("rds")


def instance(**properties: Any) -> Resources:
    return {
        "Database": {
            "Type": "AWS::RDS::DBInstance",
            "DeletionPolicy": "Delete",
            "Properties": {
                "DBInstanceIdentifier": "login",
                "Engine": "postgres",
                "AllocatedStorage": "20",
                "DBName": NAME,
                "MasterUsername": MASTER[0],
                "MasterUserPassword": MASTER[1],
                "EnableIAMDatabaseAuthentication": True,
                **properties,
            },
        }
    }


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("login")
    with Postgres(folder, is_behind_endpoint=True) as postgres:
        port = free_port()
        emulator = start(
            folder / "emulator",
            f"--database=us-east-1={postgres.host}:{postgres.port}",
            f"--database-admin-password-file=us-east-1={postgres.admin_password_file}",
            f"--ca-file=us-east-1={postgres.ca_file}",
            f"--database-endpoint=us-east-1={postgres.host}:{port}",
            f"--database-certificates=us-east-1={postgres.certificates_folder}",
        )
        emulator.deploy("login", instance())
        found = Endpoint(emulator, postgres, port, {})
        user = found.new_user("allowed", f"arn:aws:rds-db:us-east-1:000000000000:dbuser:{resource_id(emulator)}/{ROLE}")
        admin = postgres.connect()
        admin.run(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'unused'")
        admin.close()
        master = found.connect(*MASTER)
        master.run(f"GRANT pg_monitor, rds_iam TO {ROLE}")
        master.close()
        yield Endpoint(emulator, postgres, port, user)
        emulator.process.terminate()
        emulator.process.wait(5)


def resource_id(emulator: Emulator) -> str:
    return str(emulator.client("rds").describe_db_instances()["DBInstances"][0]["DbiResourceId"])


def test_token_lets_the_role_in_over_tls(endpoint: Endpoint) -> None:
    connection = endpoint.connect(ROLE, endpoint.token())
    is_tls = "SELECT current_user, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert connection.run(is_tls) == [[ROLE, True]]
    large = connection.run("SELECT repeat('x', 1000) FROM generate_series(1, 5000)")
    assert sum(len(row[0]) for row in large) == 5_000_000
    connection.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 5433},
        {"DBHostname": "localhost"},
        {"user": "postgres"},
        {"region": "us-west-2"},
        {"key": {"AccessKeyId": "AKIAUNKNOWN", "SecretAccessKey": "unknown"}},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_token_of_something_else_is_refused(endpoint: Endpoint, wrong: dict[str, Any]) -> None:
    target = {"Port": wrong["port"]} if "port" in wrong else wrong
    with pytest.raises(DatabaseError, match="PAM authentication failed"):
        endpoint.connect(ROLE, endpoint.token(**target))


def test_altered_or_expired_token_is_refused(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    token = endpoint.token()
    altered = token[:-1] + ("0" if token[-1] != "0" else "1")
    now = botocore.auth.get_current_datetime
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now() - timedelta(minutes=16))
    expired = endpoint.token()
    for refused in (altered, expired, "unused"):
        with pytest.raises(DatabaseError, match="PAM authentication failed"):
            endpoint.connect(ROLE, refused)


def test_principal_without_permission_is_refused(endpoint: Endpoint) -> None:
    other = endpoint.new_user("other", "arn:aws:rds-db:us-east-1:000000000000:dbuser:db-OTHER/*")
    with pytest.raises(DatabaseError, match="PAM authentication failed"):
        endpoint.connect(ROLE, endpoint.token(key=other))


def test_lambda_logs_in_as_what_its_role_allows(endpoint: Endpoint) -> None:
    resource = {"Fn::Sub": f"arn:aws:rds-db:${{AWS::Region}}:${{AWS::AccountId}}:dbuser:*/{ROLE}"}
    allowed = function([{"Effect": "Allow", "Action": "rds-db:connect", "Resource": resource}], SIGNER)
    target = {"DBHostname": endpoint.postgres.host, "Port": endpoint.port, "DBUsername": ROLE}
    for stack, resources, is_let_in in (("may", allowed, True), ("may-not", function([], SIGNER), False)):
        name = endpoint.emulator.deploy(stack, resources)["Function"]
        answer = endpoint.emulator.client("lambda").invoke(FunctionName=name, Payload=json.dumps(target))
        token = json.load(answer["Payload"])
        if is_let_in:
            endpoint.connect(ROLE, token).close()
        else:
            with pytest.raises(DatabaseError, match="PAM authentication failed"):
                endpoint.connect(ROLE, token)


def test_instance_without_iam_authentication_accepts_no_token(endpoint: Endpoint) -> None:
    endpoint.emulator.deploy("login", instance(EnableIAMDatabaseAuthentication=False))
    with pytest.raises(DatabaseError, match="PAM authentication failed"):
        endpoint.connect(ROLE, endpoint.token())
    endpoint.emulator.deploy("login", instance())
    endpoint.connect(ROLE, endpoint.token()).close()


def test_role_cannot_log_in_with_its_password_behind_the_endpoint_either(endpoint: Endpoint) -> None:
    with pytest.raises(DatabaseError, match="valid client certificate"):
        endpoint.connect(ROLE, "unused", port=endpoint.postgres.port)


def test_master_logs_in_with_its_password_and_is_no_superuser(endpoint: Endpoint) -> None:
    master = endpoint.connect(*MASTER)
    has = "rolsuper, rolcreaterole, pg_has_role('rds_superuser', 'USAGE')"
    assert master.run(f"SELECT {has} FROM pg_roles WHERE rolname = current_user") == [[False, True, True]]
    master.close()
    with pytest.raises(DatabaseError, match="password authentication failed"):
        endpoint.connect(MASTER[0], "wrong")


def test_master_that_becomes_a_member_through_another_role_is_locked_out(endpoint: Endpoint) -> None:
    admin = endpoint.postgres.connect()
    for grant in (f"GRANT {ROLE} TO {MASTER[0]}", f"REVOKE {ROLE} FROM {MASTER[0]}"):
        admin.run(grant)
        if grant.startswith("GRANT"):
            with pytest.raises(DatabaseError, match="PAM authentication failed"):
                endpoint.connect(*MASTER)
    endpoint.connect(*MASTER).close()
    admin.close()


def test_plain_connection_is_refused(endpoint: Endpoint) -> None:
    with pytest.raises(DatabaseError, match="no encryption"):
        endpoint.connect(*MASTER, ssl_context=False)
