"""Pool health on AWS: settings and credentials in, metrics, log lines and a result out."""

import os
from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.pool_health import core, queries
from ops_lambdas.shared import database
from ops_lambdas.shared.metrics import Metric, publish
from ops_lambdas.shared.settings import (
    EnvironmentName,
    NoOptions,
    PoolNames,
    SecretArn,
    from_environment,
    from_event,
)

logger = Logger(utc=True)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What pool health is configured with; `pools` are reported also when nothing is open in them."""

    environment: EnvironmentName
    database_secret_arn: SecretArn
    pools: PoolNames


@logger.inject_lambda_context
def handler(event: object, _context: LambdaContext) -> core.PoolHealthResult:
    """Count each pool's active threads and sessions in the database and publish them.

    Needs `secretsmanager:GetSecretValue` on the database's secret, and the network to both.

    Raises:
        InvalidSettingError, SecretError, DatabaseError: the check could not look.
    """
    from_event(NoOptions, event)
    config = from_environment(Settings, os.environ)
    credentials = database.read_credentials(config.database_secret_arn)
    try:
        with database.reading(credentials, application_name="pool_health") as reader:
            rows = reader.rows(queries.ACTIVE_BY_POOL, minutes=core.ACTIVE_WITHIN_MINUTES)
    except database.TablesMissingError as missing:
        logger.warning("Nothing counted, the application's tables are missing", extra={"reason": str(missing)})
        return {"state": "tables_missing", "environment": config.environment}
    health = core.assess((core.PoolCount(*row) for row in rows), config.pools)
    _publish(health, config.environment)
    result = core.measured(health, config.environment)
    logger.info("Pools counted", extra={"result": result})
    return result


def _publish(health: core.PoolHealth, environment: str) -> None:
    for load in health.pools:
        publish(
            {"Environment": environment, "Pool": load.pool},
            Metric("ActiveThreads", load.active_threads),
            Metric("ActiveSessions", load.active_sessions),
            Metric("PoolLoadPercent", load.load_percent, "Percent"),
        )
    publish(
        {"Environment": environment},
        Metric("TotalActiveThreads", health.total_active_threads),
        Metric("TotalActiveSessions", health.total_active_sessions),
        Metric("UnhealthyPools", health.unhealthy_pools),
        Metric("Pools", health.total_pools),
    )
