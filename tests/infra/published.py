"""Which metrics exist: those that the checks publish, and AWS's, by its documentation."""

import contextlib
import io
import json
from functools import cache
from unittest import mock

from names import CHECKS
from ops_lambdas.shared import metrics
from rehearsal.emulator.documented_metrics import AWS
from tests.expectations import expectation

__all__ = ["AWS", "ENVIRONMENT", "names_at_rest", "ours", "published_by"]

ENVIRONMENT = "some-environment"


@cache
def published_by(check: str) -> tuple[tuple[str, frozenset[str], frozenset[str]], ...]:
    """Namespace, dimensions and names of what a check publishes, a line of log each."""
    with mock.patch.object(metrics, "is_sent", return_value=True):
        return _published(check)


def names_at_rest(check: str) -> list[str]:
    """Names of the metrics that a check publishes while all is well, with one pool."""
    return [name for *_, names in _published(check) for name in names]


def _published(check: str) -> tuple[tuple[str, frozenset[str], frozenset[str]], ...]:
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
