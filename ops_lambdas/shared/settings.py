"""A check's settings, from its environment and from the event it is called with, validated."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

# The default events of EventBridge Scheduler and of an EventBridge rule: an envelope without options.
_SCHEDULES = ("aws.scheduler", "aws.events")
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SECRET_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+", re.ASCII)
_POOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_POOLS = 50  # three custom metrics each, $0.30 a month a metric


class InvalidSettingError(ValueError):
    """A setting has a value that is not allowed; says which, what came and what is allowed."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{field} must be {allowed}, got {value!r}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a check that reads the database is configured with.

    Args:
        environment: the value of the metrics' dimension Environment, e.g. "production".
        database_secret_arn: the secret with host, port, dbname, username and password.
        pools: the configured pools, which are reported also when nothing is open in them.
    """

    environment: str
    database_secret_arn: str
    pools: tuple[str, ...]

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "Settings":
        """Read ENVIRONMENT, DATABASE_SECRET_ARN and POOLS (names with commas between).

        Raises:
            InvalidSettingError: one of them is missing or malformed.
        """
        return cls(
            environment=_matching(
                variables, "ENVIRONMENT", _ENVIRONMENT, "lower-case letters, digits and hyphens (at most 32)"
            ),
            database_secret_arn=_matching(
                variables, "DATABASE_SECRET_ARN", _SECRET_ARN, "the ARN of a Secrets Manager secret"
            ),
            pools=_pools(variables.get("POOLS", "")),
        )


def options(event: object, *, allowed: Collection[str] = ()) -> dict[str, Any]:
    """Return the options in the event that a check was called with.

    A schedule's own event has none. Anything that is not understood is refused: a misspelt option
    must not run the check as if it had not been given.

    Raises:
        InvalidSettingError: the event is no JSON object, or has a field that is not in `allowed`.
    """
    if event is None:
        return {}
    if not isinstance(event, dict):
        raise InvalidSettingError("event", event, "a JSON object")
    if event.get("source") in _SCHEDULES and "detail-type" in event:
        return {}
    for field, value in event.items():
        if field not in allowed:
            choice = ", ".join(sorted(allowed)) or "no field at all"
            raise InvalidSettingError("event", {field: value}, f"an object with {choice}")
    return dict(event)


def _matching(variables: Mapping[str, str], name: str, pattern: re.Pattern[str], allowed: str) -> str:
    value = variables.get(name)
    if value is None or not pattern.fullmatch(value):
        raise InvalidSettingError(name, value, allowed)
    return value


def _pools(value: str) -> tuple[str, ...]:
    pools = tuple(value.split(","))
    is_valid = all(_POOL.fullmatch(pool) for pool in pools)
    if not is_valid or len(set(pools)) < len(pools) or len(pools) > _MAX_POOLS:
        allowed = f"1 to {_MAX_POOLS} different pool names with commas between, e.g. pool-0,pool-1"
        raise InvalidSettingError("POOLS", value, allowed)
    return pools
