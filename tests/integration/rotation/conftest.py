"""Fixtures for the tests of rotation."""

import itertools
import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from rehearsal.postgresql.server import Postgres
from rehearsal.stand_in import TABLES_SQL
from tests.integration.emulator_process import Emulator, function
from tests.integration.rotation.world import MASTER_PASSWORD, World, url_secret

_numbers = itertools.count(1)
_FAILING = "def handler(event, context):\n    raise RuntimeError('the test does the steps itself')\n"


@pytest.fixture(scope="session")
def rotator(emulator: Emulator) -> str:
    """ARN of a function that Secrets Manager may call, which does nothing."""
    name = emulator.deploy("rotator", function([], _FAILING))["Function"]
    functions = emulator.client("lambda")
    functions.add_permission(
        FunctionName=name,
        StatementId="rotation",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
    )
    return str(functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"])


@pytest.fixture
def world(postgres: Postgres, emulator: Emulator, rotator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A database with its own master, as after the first deployment, and its secrets."""
    number = next(_numbers)
    master, name = f"rotated{number}", f"rotation_{number}"
    with closing(postgres.connect()) as admin:
        admin.run(f"CREATE ROLE {master} LOGIN CREATEDB CREATEROLE PASSWORD '{MASTER_PASSWORD}'")
        admin.run(f"GRANT rds_superuser TO {master}")
        admin.run(f"CREATE DATABASE {name} OWNER {master}")
    with closing(postgres.connect(name, user=master, password=MASTER_PASSWORD)) as owner:
        owner.run(TABLES_SQL.read_text())
    client = emulator.client("secretsmanager")

    def secret(kind: str, value: dict[str, object]) -> str:
        return str(client.create_secret(Name=f"{name}/{kind}", SecretString=json.dumps(value))["ARN"])

    world = World(
        server=postgres,
        client=client,
        rotator=rotator,
        database=name,
        master=master,
        url=secret("database-url", url_secret(postgres, name, master)),
        password=secret("database-password", {"password": MASTER_PASSWORD}),
        value=secret("cron-secret", {"value": "first"}),
    )
    for variable, text in world.settings(client.meta.endpoint_url).items():
        monkeypatch.setenv(variable, text)
    yield world
    with closing(postgres.connect()) as admin:
        admin.run(f"DROP DATABASE {name} WITH (FORCE)")
        for role in (f"{master}_1", f"{master}_2", f"{master}_owner", master):
            admin.run(f"DROP ROLE IF EXISTS {role}")
