"""Fixtures for database role's tests."""

from collections.abc import Iterator

import pytest

from tests.integration.checks.database_role.world import dropped
from tests.integration.conftest import Database


@pytest.fixture(scope="module")
def database(module_database: Database) -> Database:
    """One for all tests of a module, each of which makes the role."""
    return module_database


@pytest.fixture(autouse=True)
def _trust(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", str(database.server.ca_file))


@pytest.fixture
def role(database: Database) -> Iterator[str]:
    name = f"ops_{database.name}"
    yield name
    dropped(database, name)
