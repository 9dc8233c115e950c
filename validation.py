"""Checks of configured values, each with a message that names field, value and what is allowed."""

import re
from collections.abc import Collection
from dataclasses import fields
from ipaddress import IPv4Network
from typing import Any, get_type_hints

from typeguard import check_type


class ConfigurationError(ValueError):
    """A value that cannot be deployed. The message is one line for the operator."""


def require(owner: object, field: str, is_allowed: bool, allowed: str) -> None:
    """Raise ConfigurationError for `owner.field` unless `is_allowed`."""
    if not is_allowed:
        value = getattr(owner, field)
        shown = value if type(value) in (int, float) else repr(value)
        raise ConfigurationError(f"{field} must be {allowed}, got {shown}")


def require_between(owner: object, field: str, low: int, high: int) -> None:
    """`owner.field` is a whole number from `low` to `high`, both allowed."""
    value = getattr(owner, field)
    require(owner, field, type(value) is int and low <= value <= high, f"a whole number from {low} to {high}")


def require_one_of(owner: object, field: str, values: Collection[object]) -> None:
    """`owner.field` is one of `values`."""
    require(owner, field, getattr(owner, field) in values, f"one of {', '.join(map(str, values))}")


def require_match(owner: object, field: str, pattern: str, allowed: str) -> None:
    """`owner.field`, or each of its items when it is a tuple, matches `pattern` as a whole."""
    value = getattr(owner, field)
    for item in value if isinstance(value, tuple) else (value,):
        require(owner, field, isinstance(item, str) and re.fullmatch(pattern, item) is not None, allowed)


def require_unique(owner: object, field: str) -> None:
    """No item of the tuple `owner.field` occurs twice."""
    value = getattr(owner, field)
    require(owner, field, len(set(value)) == len(value), "without repetition")


def check_types(owner: Any) -> None:
    """Each field of the dataclass instance `owner` has the type that it is declared with."""
    hints = get_type_hints(type(owner))
    for field in fields(owner):
        try:
            check_type(field.name, getattr(owner, field.name), hints[field.name])
        except TypeError:
            shown = str(field.type).removeprefix("<class '").removesuffix("'>")
            require(owner, field.name, False, f"of type {shown}")


def is_private_network(cidr: str, *, min_prefix: int, max_prefix: int) -> bool:
    """Whether it is a private IPv4 network in CIDR notation, with a prefix of that length."""
    try:
        network = IPv4Network(cidr)
    except ValueError:
        return False
    return network.is_private and min_prefix <= network.prefixlen <= max_prefix
