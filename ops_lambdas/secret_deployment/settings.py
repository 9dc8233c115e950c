"""Settings of secret deployment."""

from dataclasses import dataclass
from typing import Annotated

from ops_lambdas.shared.settings import EnvironmentName, ResourceName, SecretArnsOrNone, matching


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of secret deployment.

    Attributes:
        secret_arns: what the tasks read; there may be none.
        name_prefix: what the names of these secrets begin with.
        outage_alarm: while it is in ALARM, no deployment is started.
    """

    environment: EnvironmentName
    ecs_cluster: ResourceName
    ecs_service: ResourceName
    secret_arns: SecretArnsOrNone
    name_prefix: Annotated[str, matching(r"[\w-]{1,64}/", "the beginning of a secret's name, ending with a slash")]
    outage_alarm: ResourceName
