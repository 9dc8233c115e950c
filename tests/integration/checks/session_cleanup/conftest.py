"""Fixtures for session cleanup's tests."""

from collections.abc import Iterator

import pg8000.native
import pytest

from ops_lambdas.shared import database as shared_database
from ops_lambdas.shared.database import Credentials
from tests.integration.checks.corals import Corals
from tests.integration.checks.ecs import Ecs, task
from tests.integration.checks.servers import serving
from tests.integration.checks.session_cleanup.world import World
from tests.integration.conftest import Database


@pytest.fixture(scope="module")
def database(module_database: Database) -> Database:
    """One for all tests of a module, emptied before each."""
    return module_database


@pytest.fixture(autouse=True)
def _emptied(connection: pg8000.native.Connection) -> None:
    connection.run('TRUNCATE "Session" CASCADE')


@pytest.fixture(scope="module")
def corals() -> Iterator[Corals]:
    with Corals(3) as servers:
        yield servers


@pytest.fixture
def world(
    ops_login: Credentials,
    connection: pg8000.native.Connection,
    corals: Corals,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    for one in corals.tasks:
        one.pools.clear()
        one.closed.clear()
        one.missed.clear()
    monkeypatch.setattr(shared_database, "iam_login", lambda _config: ops_login)
    ecs = Ecs([task(one.id, one.address) for one in corals.tasks])
    with serving(ecs) as server:
        variables = {
            "ENVIRONMENT": "rehearsal",
            "DATABASE_HOST": ops_login.host,
            "DATABASE_PORT": str(ops_login.port),
            "DATABASE_NAME": ops_login.database,
            "DATABASE_USER": ops_login.username,
            "ECS_CLUSTER": "pardon-rehearsal-cluster",
            "ECS_SERVICE": "pardon-rehearsal-service",
            "CORAL_PORT": str(corals.port),
            "AWS_ENDPOINT_URL_ECS": server.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "NO_PROXY": "127.0.0.1",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield World(connection, corals, ecs)
