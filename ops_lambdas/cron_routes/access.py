"""Calling the site, and remembering in SSM when the weekly reset last succeeded."""

from datetime import UTC, datetime

import boto3
from botocore.config import Config

from ops_lambdas.cron_routes.core import Outcome, understand
from ops_lambdas.cron_routes.settings import Settings
from ops_lambdas.shared.http import HttpError
from ops_lambdas.shared.secret_values import SecretError
from ops_lambdas.shared.site import ask, state_of_failure
from ops_lambdas.shared.tasks import described_service

# The load balancer ends a request that has been idle for as long.
_SECONDS = 120
_CONFIG = Config(connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 2})


def call(config: Settings, route: str) -> Outcome:
    """Call a route once; every failure is a state of the outcome."""
    try:
        answer, milliseconds = ask(f"{config.site_url}/api/cron/{route}", config.cron_secret_arn, seconds=_SECONDS)
    except (SecretError, HttpError) as error:
        return Outcome(state=state_of_failure(error), detail=str(error))
    return understand(route, answer, milliseconds)


def is_at_rest(config: Settings) -> bool:
    """Whether the service wants no task, so that the site is off on purpose; needs `ecs:DescribeServices`.

    Raises:
        TasksError: ECS could not be reached, refused, or does not know the service.
    """
    return bool(described_service(config.ecs_cluster, config.ecs_service).get("desiredCount") == 0)


def last_reset(parameter: str) -> datetime:
    """When the weekly reset last succeeded, or when the deployment made the parameter; needs `ssm:GetParameter`.

    Raises:
        BotoCoreError, ClientError: SSM could not be reached, refused, or has no such parameter.
    """
    found = boto3.client("ssm", config=_CONFIG).get_parameter(Name=parameter)["Parameter"]
    modified: datetime = found["LastModifiedDate"]
    return modified


def remember_reset(parameter: str) -> None:
    """Remember that the weekly reset has succeeded now; needs `ssm:PutParameter`.

    Raises:
        BotoCoreError, ClientError: SSM could not be reached, or refused.
    """
    text = f"succeeded {now():%Y-%m-%dT%H:%M:%SZ}"
    boto3.client("ssm", config=_CONFIG).put_parameter(Name=parameter, Value=text, Overwrite=True)


def now() -> datetime:
    """The time of this run."""
    return datetime.now(UTC)
