"""A check's settings, from its environment and from the event it is called with, validated.

A check declares what it needs as a frozen dataclass, a field per line, each with one of the kinds below:

    @dataclass(frozen=True, kw_only=True)
    class Settings(DatabaseSettings):
        pools: PoolNames

    config = from_environment(Settings, os.environ)  # ENVIRONMENT, DATABASE_HOST, …, POOLS

The options of an event are declared in the same way, with defaults for those that are optional.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

# The default events of EventBridge Scheduler and of an EventBridge rule are an envelope of these fields, with an empty
# detail. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
_SCHEDULES = ("aws.scheduler", "aws.events")
_ENVELOPE = frozenset({"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"})
_NO_DETAIL: tuple[object, ...] = (None, {}, "{}", "")
_MAX_POOLS = 50  # five custom metrics each, $0.30 a month a metric

Declared = TypeVar("Declared")


class InvalidSettingError(ValueError):
    """A setting has a value that is not allowed; names the setting, the value and what is allowed."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{field} must be {allowed}, got {value!r}")


@dataclass(frozen=True)
class Kind:
    """What values a field takes.

    Args:
        allowed: the text of an error after "must be".
        parse: turns the given value into the field's; raises ValueError or TypeError when it is not allowed.
    """

    allowed: str
    parse: Callable[[Any], Any]


def matching(pattern: str, allowed: str) -> Kind:
    """Return the kind of a text that matches the pattern from end to end."""

    def parse(value: object) -> str:
        # Compiled when it is used: a cold start imports more kinds than its check has settings.
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError
        return value

    return Kind(allowed, parse)


def one_of(*choices: str) -> Kind:
    """Return the kind of a text that is one of these."""

    def parse(value: object) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return Kind(" or ".join(choices), parse)


def between(minimum: int, maximum: int, unit: str = "") -> Kind:
    """Return the kind of a whole number of an event, both bounds included."""

    def parse(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise ValueError
        return value

    return Kind(f"a whole number from {minimum} to {maximum}{unit and ' '}{unit}", parse)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 65536):
        raise ValueError
    return int(value)


def _pools(value: str) -> tuple[str, ...]:
    pools = tuple(value.split(","))
    is_valid = all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", pool) for pool in pools)
    if not is_valid or len(set(pools)) < len(pools) or len(pools) > _MAX_POOLS:
        raise ValueError
    return pools


def _names(value: str) -> tuple[str, ...]:
    names = tuple(value.split(","))
    if not all(re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", name) for name in names) or len(set(names)) < len(names):
        raise ValueError
    return names


def _secret_arns(value: str) -> tuple[str, ...]:
    kind: Kind = get_args(SecretArn)[1]
    arns = tuple(kind.parse(one) for one in value.split(","))
    if len(set(arns)) < len(arns):
        raise ValueError
    return arns


_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_ARN = r"arn:aws[a-z-]*:{service}:[a-z0-9-]+:\d{{12}}:"
_IDENTIFIER = matching(r"[a-z_][a-z0-9_]{0,62}", "1 to 63 lower-case letters, digits and underscores, no digit first")

EnvironmentName = Annotated[
    str, matching(r"[a-z][a-z0-9-]{0,31}", "lower-case letters, digits and hyphens (at most 32), a letter first")
]
Host = Annotated[str, matching(_HOST, "a host name or an IPv4 address")]
Port = Annotated[int, Kind("a port, 1 to 65535", _port)]
DatabaseName = Annotated[str, _IDENTIFIER]
RoleName = Annotated[str, _IDENTIFIER]
SecretArn = Annotated[
    str, matching(_ARN.format(service="secretsmanager") + r"secret:[\w/+=.@-]+", "the ARN of a Secrets Manager secret")
]
SecretArns = Annotated[tuple[str, ...], Kind("comma-separated ARNs of different Secrets Manager secrets", _secret_arns)]
SecretArnsOrNone = Annotated[
    tuple[str, ...],
    Kind(
        "comma-separated ARNs of different Secrets Manager secrets, or empty",
        lambda value: _secret_arns(value) if value else (),
    ),
]
TopicArn = Annotated[str, matching(_ARN.format(service="sns") + r"[\w-]{1,256}", "the ARN of an SNS topic")]
SiteUrl = Annotated[
    str,
    matching(rf"https?://{_HOST}(:\d{{1,5}})?", "https:// or http://, a host and optionally a port, nothing after it"),
]
PoolNames = Annotated[
    tuple[str, ...],
    Kind(f"1 to {_MAX_POOLS} different comma-separated pool names, e.g. pool-0,pool-1", _pools),
]
ResourceName = Annotated[
    str, matching(r"[A-Za-z0-9][\w-]{0,254}", "the name of a resource: letters, digits, hyphens, underscores")
]
ResourceNames = Annotated[
    tuple[str, ...], Kind("different comma-separated names of letters, digits and hyphens", _names)
]
BucketName = Annotated[
    str, matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of an S3 bucket, 3 to 63 characters")
]
Flag = Annotated[bool, Kind("true or false", _flag)]


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """Settings of a check that uses the database.

    Attributes:
        environment: the value of the metrics' dimension Environment, e.g. "production".
        database_user: logs in with an IAM token; no password is read.
    """

    environment: EnvironmentName
    database_host: Host
    database_port: Port
    database_name: DatabaseName
    database_user: RoleName


@dataclass(frozen=True, kw_only=True)
class MasterSettings:
    """Settings of what logs in to the database as its master user.

    Attributes:
        master_secret_arn: holds the password.
    """

    environment: EnvironmentName
    database_host: Host
    database_port: Port
    database_name: DatabaseName
    master_user: RoleName
    master_secret_arn: SecretArn


@dataclass(frozen=True, kw_only=True)
class TaskSettings:
    """Where a check finds the running tasks: cluster and service by name, and Coral's port on each task."""

    ecs_cluster: ResourceName
    ecs_service: ResourceName
    coral_port: Port = 5555


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """The options of a check that takes none."""


def from_environment(declared: type[Declared], variables: Mapping[str, str]) -> Declared:
    """Read each declared field from the variable of its name in upper case.

    Raises:
        InvalidSettingError: one is missing and has no default, or is not allowed.
    """
    names = {field: field.upper() for field in _kinds(declared)}
    values = {field: variables[name] for field, name in names.items() if name in variables}
    return _checked(declared, values, names)


def from_event(declared: type[Declared], event: object) -> Declared:
    """Read the declared options from the event that a check was called with.

    The envelope of a schedule's own event holds none. Anything else is refused: a misspelt option must not be ignored.

    Raises:
        InvalidSettingError: the event is not a JSON object, has a field that is not declared, or a value that is
            not allowed.
    """
    if event is not None and not isinstance(event, dict):
        raise InvalidSettingError("event", event, "a JSON object")
    given = event or {}
    if given.get("source") in _SCHEDULES and "detail-type" in given:
        if given.get("detail") not in _NO_DETAIL:
            raise InvalidSettingError("detail", given["detail"], "empty, options stand beside it")
        given = {field: value for field, value in given.items() if field not in _ENVELOPE}
    kinds = _kinds(declared)
    for field, value in given.items():
        if field not in kinds:
            choice = ", ".join(sorted(kinds)) or "no field at all"
            raise InvalidSettingError("event", {field: value}, f"an object with {choice}")
    return _checked(declared, given, {field: field for field in kinds})


def _kinds(declared: type[Any]) -> dict[str, Kind]:
    hints = get_type_hints(declared, include_extras=True)
    return {field.name: hints[field.name].__metadata__[0] for field in fields(declared)}


def _checked(declared: type[Declared], given: Mapping[str, object], names: Mapping[str, str]) -> Declared:
    has_default = {field.name: field.default is not MISSING for field in fields(declared)}  # type: ignore[arg-type]
    values = {}
    for field, kind in _kinds(declared).items():
        if field not in given and has_default[field]:
            continue
        value = given.get(field)
        if value is None:
            raise InvalidSettingError(names[field], None, kind.allowed)
        try:
            values[field] = kind.parse(value)
        except (TypeError, ValueError):
            raise InvalidSettingError(names[field], value, kind.allowed) from None
    return declared(**values)
