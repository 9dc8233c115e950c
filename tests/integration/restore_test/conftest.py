"""Fixtures for the tests of restoring."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from ops_lambdas.backup_record import function as backup_record
from ops_lambdas.database_role.role import RoleMaker
from ops_lambdas.restore_test import restored
from ops_lambdas.shared.database import Credentials, writing
from tests.integration.checks.conftest import CONTEXT
from tests.integration.checks.servers import serving
from tests.integration.checks.variables import AWS
from tests.integration.conftest import Database
from tests.integration.emulator_process import Emulator
from tests.integration.restore_test.world import PLAN, PRIMARY, SUBNETS, TOPIC, Aws, World, restore_job, restored_copy

_numbers = itertools.count(1)
PASSWORD = "for-tests-in-place-of-a-token"


@pytest.fixture
def primary(database: Database, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """The application's database with rows, in which the checks' role may do what it may; the role, and the bucket."""
    number = next(_numbers)
    ops, bucket = f"recorder_{number}", f"records-{number}"
    database.seed()
    monkeypatch.setenv("PGSSLROOTCERT", str(database.server.ca_file))
    login = Credentials(
        host=database.server.host,
        port=database.server.port,
        database=database.name,
        username=database.user,
        password=database.password,
    )
    with writing(login, application_name="database_role") as writer:
        RoleMaker(writer, ops, lambda: True).ensure("rehearsal")
    with closing(database.server.connect(database.name)) as admin:
        admin.run(f"ALTER ROLE {ops} PASSWORD '{PASSWORD}'")
    client = emulator.client("s3")
    client.create_bucket(Bucket=bucket)
    variables = {
        **AWS,
        "AWS_ENDPOINT_URL_S3": client.meta.endpoint_url,
        "ENVIRONMENT": "rehearsal",
        "DATABASE_HOST": login.host,
        "DATABASE_PORT": str(login.port),
        "DATABASE_NAME": database.name,
        "DATABASE_USER": ops,
        "RECORD_BUCKET": bucket,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ops_login = Credentials(
        host=login.host, port=login.port, database=database.name, username=ops, password=PASSWORD, kind="token"
    )
    monkeypatch.setattr(backup_record, "iam_login", lambda _config: ops_login)
    yield ops, bucket
    with closing(database.server.connect(database.name)) as admin:
        admin.run(f"DROP OWNED BY {ops}")
        admin.run(f"DROP ROLE {ops}")


@pytest.fixture
def world(database: Database, primary: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Recorded, backed up a quarter of an hour later, and restored."""
    ops, bucket = primary
    backup_record.handler({}, CONTEXT)
    with restored_copy(database) as (master, copy):
        aws = Aws(database.server, master, restore_job(datetime.now(UTC) + timedelta(minutes=15)))
        with serving(aws) as server:
            variables = {
                "AWS_ENDPOINT_URL": server.url,
                "DATABASE_ARN": PRIMARY,
                "DATABASE_NAME": copy.name,
                "PLAN_ARN": PLAN,
                "PLAN_NAME": "pardon_rehearsal_restore_test",
                "SUBNET_GROUP": SUBNETS,
                "TOPIC_ARN": TOPIC,
            }
            for name, value in variables.items():
                monkeypatch.setenv(name, value)
            monkeypatch.setattr(restored, "_PAUSE_SECONDS", 0.05)
            yield World(aws, database, copy, bucket, ops)
