"""Fixtures for pool health's tests."""

import pytest

from tests.integration.conftest import Database


@pytest.fixture(scope="module")
def database(module_database: Database) -> Database:
    """One for all tests of a module."""
    return module_database


@pytest.fixture(autouse=True)
def emptied(database: Database) -> None:
    """The database without rows."""
    connection = database.connect()
    connection.run('TRUNCATE "User" CASCADE')
    connection.close()
