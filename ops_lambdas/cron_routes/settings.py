"""Settings of cron routes."""

from dataclasses import dataclass
from typing import Annotated

from ops_lambdas.cron_routes.core import INTERMEDIARY_CLEANUP, WEEKLY_RESET
from ops_lambdas.shared.settings import EnvironmentName, ResourceName, SecretArn, SiteUrl, matching, one_of


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of cron routes.

    Attributes:
        cron_secret_arn: its key `value` is the bearer token of the site's operations routes.
        ecs_cluster, ecs_service: whose tasks are the site; in off-hours it wants none.
        weekly_reset_parameter: the SSM parameter that is written when a weekly reset has succeeded.
    """

    environment: EnvironmentName
    site_url: SiteUrl
    cron_secret_arn: SecretArn
    ecs_cluster: ResourceName
    ecs_service: ResourceName
    weekly_reset_parameter: Annotated[str, matching(r"/[\w./-]{1,200}", "the name of an SSM parameter")]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of an event: which route to call."""

    route: Annotated[str, one_of(INTERMEDIARY_CLEANUP, WEEKLY_RESET)] = INTERMEDIARY_CLEANUP
