"""Secret deployment's result. It has no metrics: a deployment that fails has its own event."""

from typing import Literal, TypedDict

from ops_lambdas.secret_deployment.core import Decision


class SecretDeploymentResult(TypedDict):
    """The check's result.

    Attributes:
        state: "started" when this run has started a deployment.
        secrets: names of those that changed since the tasks' deployment began.
    """

    state: Literal["up_to_date", "waiting", "started"]
    environment: str
    reason: str
    secrets: list[str]


def result(environment: str, decision: Decision) -> SecretDeploymentResult:
    """Return the check's result, when what is due has been done."""
    return {
        "state": "started" if decision.state == "due" else decision.state,
        "environment": environment,
        "reason": decision.reason,
        "secrets": list(decision.secrets),
    }
