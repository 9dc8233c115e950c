"""Settings of protection."""

from dataclasses import dataclass
from typing import Annotated

from ops_lambdas.shared.settings import EnvironmentName, ResourceName, ResourceNames, one_of


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
    stacks: ResourceNames
    data_stack: ResourceName
    service_stack: ResourceName
    kept_resources: ResourceNames
    database_instance: ResourceName
    load_balancer: ResourceName
