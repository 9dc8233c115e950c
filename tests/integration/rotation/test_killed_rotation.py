"""A rotation that is killed between any two statements or calls, and then done again from its first step."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from unittest import mock

import botocore.client
import pg8000.native
import pytest

from tests.integration.rotation.world import STEPS, World

_READS = ("Get", "Describe")


class Killed(BaseException):
    """The function's process has ended."""


class Knife:
    """Counts a function's statements and its calls that write, and kills it after one of them.

    Calls that only read leave nothing behind: a cut after one is the cut before it.
    """

    def __init__(self, after: int | None) -> None:
        self.count, self.after = 0, after

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def cut(*arguments: Any, **named: Any) -> Any:
            if self.count == self.after:
                raise Killed  # also what the killed function would do in its last moments
            result = call(*arguments, **named)
            self.count += not str(arguments[1]).startswith(_READS)
            if self.count == self.after:
                raise Killed
            return result

        return cut


@contextmanager
def knife(after: int | None = None) -> Iterator[Knife]:
    one = Knife(after)
    statement, call = pg8000.native.Connection.run, botocore.client.BaseClient._make_api_call
    with (
        mock.patch.object(pg8000.native.Connection, "run", one.wrap(statement)),
        mock.patch.object(botocore.client.BaseClient, "_make_api_call", one.wrap(call)),
    ):
        yield one


def steps(world: World, secret: str, token: str) -> None:
    for step in STEPS:
        world.step(step, secret, token)


def cuts(world: World, secret: str) -> int:
    """How many statements and calls a rotation of this secret has; it is done once more."""
    token = world.begin(secret)
    with knife() as counting:
        steps(world, secret, token)
    return counting.count


def killed(world: World, secret: str, after: int, in_between: Callable[[], None]) -> None:
    """Kill a rotation there, look at what the tasks can do, and do it again as Secrets Manager does."""
    token = world.begin(secret)
    with knife(after), pytest.raises(Killed):
        steps(world, secret, token)
    in_between()
    steps(world, secret, token)


def expect_access(world: World, *stages: str) -> None:
    """Tasks that have read the secret of these stages can connect."""
    for stage in stages:
        with closing(world.connect(world.read(world.url, stage))) as connection:
            assert connection.run('SELECT count(*) FROM "Session"') == [[0]]


def test_application_s_rotation_survives_every_cut(world: World) -> None:
    open_connections = [world.connect(world.rotate(world.url)) for _ in range(2)]
    total = cuts(world, world.url)
    assert total > 10

    def nobody_loses_access() -> None:
        expect_access(world, "AWSCURRENT")
        for connection in open_connections:
            assert connection.run('SELECT count(*) FROM "Session"') == [[0]]

    for after in range(1, total + 1):
        before = world.read(world.url)
        killed(world, world.url, after, nobody_loses_access)
        expect_access(world, "AWSCURRENT", "AWSPREVIOUS")
        assert world.read(world.url, "AWSPREVIOUS") == before, f"after {after}"


def test_master_s_rotation_survives_every_cut(world: World) -> None:
    world.rotate(world.url)
    total = cuts(world, world.password)
    assert total > 5

    for after in range(1, total + 1):
        killed(world, world.password, after, lambda: expect_access(world, "AWSCURRENT"))
        world.connect(world.master_login(world.read(world.password)["password"])).close()
    assert world.rotate(world.url)["username"] == f"{world.master}_2"


def test_first_rotation_survives_every_cut(world: World) -> None:
    """It makes the roles and gives the tables to their owner; between two cuts somebody migrates the database."""
    token, after = world.begin(world.url), 0
    is_cut = True
    while is_cut:
        after += 1
        is_cut = False
        with knife(after):
            try:
                steps(world, world.url, token)
            except Killed:
                is_cut = True
        world.migrate(world.read(world.url), f"After{after}")
    assert after > 10
    assert world.read(world.url)["username"] == f"{world.master}_1"
    expect_access(world, "AWSCURRENT", "AWSPREVIOUS")
    with closing(world.connect(world.read(world.url))) as connection:
        owners = connection.run("SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'")
    assert owners == [[f"{world.master}_owner"]]
