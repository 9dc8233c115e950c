"""Which metrics exist: those that the checks publish, and AWS's, by its documentation."""

import contextlib
import io
import json
from functools import cache

from names import CHECKS
from rehearsal.emulator.documented_metrics import AWS
from tests.expectations import expectation

__all__ = ["AWS", "ENVIRONMENT", "ours", "published_by"]

ENVIRONMENT = "some-environment"


@cache
def published_by(check: str) -> tuple[tuple[str, frozenset[str], frozenset[str]], ...]:
    """Namespace, dimensions and names of what a check publishes, a line of log each."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        expectation(check, "publish_every_metric")(ENVIRONMENT)
    found = []
    for line in output.getvalue().splitlines():
        content = json.loads(line)
        assert content["Environment"] == ENVIRONMENT
        for directive in content["_aws"]["CloudWatchMetrics"]:
            names = frozenset(metric["Name"] for metric in directive["Metrics"])
            found += [(directive["Namespace"], frozenset(keys), names) for keys in directive["Dimensions"]]
    return tuple(found)


def ours() -> dict[str, list[tuple[set[str], set[str]]]]:
    """Namespace → (dimensions, names) of every metric that the checks publish."""
    found: dict[str, list[tuple[set[str], set[str]]]] = {}
    for check in CHECKS:
        for namespace, keys, names in published_by(check):
            found.setdefault(namespace, []).append((set(keys), set(names)))
    return found
