"""Settings of protection."""

import re
from dataclasses import dataclass
from typing import Annotated

from ops_lambdas.shared.settings import EnvironmentName, Kind, ResourceName, one_of

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


def _names(value: str) -> tuple[str, ...]:
    names = tuple(value.split(","))
    if not all(_NAME.fullmatch(name) for name in names) or len(set(names)) < len(names):
        raise ValueError
    return names


_NAMES = Kind("different comma-separated names of letters, digits and hyphens", _names)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of protection.

    Attributes:
        is_protected: "yes" or "no".
        stacks: every stack of the environment.
        data_stack, service_stack: of these, the ones that hold the database and the load balancer.
        kept_resources: logical ids in the data stack that an update may neither replace nor delete.
        database_instance: identifier of the primary.
        load_balancer: its name.
    """

    environment: EnvironmentName
    is_protected: Annotated[str, one_of("yes", "no")]
    stacks: Annotated[tuple[str, ...], _NAMES]
    data_stack: ResourceName
    service_stack: ResourceName
    kept_resources: Annotated[tuple[str, ...], _NAMES]
    database_instance: ResourceName
    load_balancer: ResourceName
