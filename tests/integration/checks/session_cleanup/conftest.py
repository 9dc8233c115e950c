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
from tests.integration.checks.variables import of_a_cleanup
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
        variables = of_a_cleanup(ops_login, coral_port=corals.port, ecs_url=server.url)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield World(connection, corals, ecs)
