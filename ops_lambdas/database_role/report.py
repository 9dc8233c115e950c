"""Database role's result. It has no metrics: when the role cannot be created, the run fails."""

from collections.abc import Sequence
from typing import Literal, TypedDict


class Ensured(TypedDict):
    """The check's result: what was changed, and which privileges wait for the application's tables.

    `extensions` are those that this run created. `state` is "pending" when there are such privileges.
    """

    state: Literal["ensured", "pending"]
    environment: str
    extensions: list[str]
    role: str
    is_created: bool
    granted: list[str]
    revoked: list[str]
    pending: list[str]


class NothingDone(TypedDict):
    """The check's result when CloudFormation got a failure, or asked for the deletion, which changes nothing."""

    state: Literal["failed", "left"]
    reason: str


RoleResult = Ensured | NothingDone


def ensured(
    environment: str,
    role: str,
    *,
    extensions: Sequence[str],
    is_created: bool,
    granted: Sequence[str],
    revoked: Sequence[str],
    pending: Sequence[str],
) -> Ensured:
    """Return the result of a run that brought the statistics and the role's privileges up to date."""
    return {
        "state": "pending" if pending else "ensured",
        "environment": environment,
        "extensions": list(extensions),
        "role": role,
        "is_created": is_created,
        "granted": list(granted),
        "revoked": list(revoked),
        "pending": list(pending),
    }
