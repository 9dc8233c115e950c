"""Fixtures for thread cleanup's tests."""

from collections.abc import Iterator

import pytest

from tests.integration.checks.thread_cleanup.world import World, worlds
from tests.integration.conftest import Database


@pytest.fixture
def world(module_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with worlds(module_database, monkeypatch, tasks=2) as one:
        yield one


@pytest.fixture
def own_world(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """One whose database may be broken."""
    with worlds(database, monkeypatch, tasks=2) as one:
        yield one
