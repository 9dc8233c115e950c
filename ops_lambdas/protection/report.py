"""Protection's result and metric."""

from typing import Literal, TypedDict

from ops_lambdas.protection.core import Outcome
from ops_lambdas.shared.metrics import Metric, publish


class ProtectionResult(TypedDict):
    """The check's result.

    Attributes:
        state: "as configured"; "waiting" when a resource's state does not allow it yet; "incomplete" when
            something failed.
        is_protected: what is configured.
        switched, waiting, failed, unsettled: see core.Outcome.
    """

    state: Literal["as configured", "waiting", "incomplete"]
    environment: str
    is_protected: bool
    switched: list[str]
    waiting: list[str]
    failed: list[str]
    unsettled: list[str]


def result(environment: str, outcome: Outcome, *, is_protected: bool) -> ProtectionResult:
    """Return the check's result."""
    return {
        "state": "incomplete" if outcome.failed else "waiting" if outcome.waiting else "as configured",
        "environment": environment,
        "is_protected": is_protected,
        "switched": list(outcome.switched),
        "waiting": list(outcome.waiting),
        "failed": list(outcome.failed),
        "unsettled": list(outcome.unsettled),
    }


def publish_unprotected(environment: str, outcome: Outcome) -> None:
    """Publish how many protections of a protected environment are off at the end of the run, or not known."""
    count = len(outcome.waiting) + len(outcome.failed)
    publish({"Environment": environment}, Metric("UnprotectedResources", count))
