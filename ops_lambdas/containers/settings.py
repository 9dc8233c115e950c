"""Settings of containers."""

from dataclasses import dataclass
from typing import Annotated

from ops_lambdas.shared.settings import EnvironmentName, ResourceName, matching


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of containers.

    Attributes:
        alarm_name: the composite alarm that notifies of a missing container; it is given the reason.
        log_group: of the service's containers.
    """

    environment: EnvironmentName
    ecs_cluster: ResourceName
    ecs_service: ResourceName
    alarm_name: ResourceName
    log_group: Annotated[str, matching(r"[\w./#-]{1,512}", "the name of a log group")]
