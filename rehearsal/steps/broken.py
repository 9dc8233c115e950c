"""How what is deployed is broken for a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from environment import Environment
from procedures.findings import Probe
from procedures.verify.deployed import Deployed


@dataclass(frozen=True, kw_only=True)
class Broken:
    """How verify looks at what is broken.

    Attributes:
        environment: another than is deployed.
        later: after so much time.
        aws: changes what verify asks.
        at_most: findings that fail.
    """

    environment: Environment | None = None
    later: timedelta = timedelta()
    aws: Callable[[Deployed], Deployed] | None = None
    at_most: int = 1


Case = tuple[tuple[Probe[Deployed], ...], Any]


@contextmanager
def seen(broken: Broken) -> Iterator[Broken]:
    yield broken


@contextmanager
def changing(change: Callable[[], Any], back: Callable[[], Any], broken: Broken | None = None) -> Iterator[Broken]:
    change()
    try:
        yield broken or Broken()
    finally:
        back()
