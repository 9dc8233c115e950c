"""Pool health on AWS: the database's counts and the site's answer in; metrics, log lines and a result out."""

import os

from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.pool_health import access, core, report
from ops_lambdas.pool_health.settings import Settings
from ops_lambdas.pool_health.site import disagreements
from ops_lambdas.shared.bounds import bounded_result, check_logger
from ops_lambdas.shared.settings import NoOptions, from_environment, from_event

logger = check_logger()


@logger.inject_lambda_context
@bounded_result
def handler(event: object, _context: LambdaContext) -> report.PoolHealthResult:
    """Count each pool's threads and sessions in the database, query the site's own count, and publish both.

    Needs `rds-db:connect` as the database's role, `secretsmanager:GetSecretValue` on the cron secret with
    `kms:Decrypt` with its key, and the network to database, Secrets Manager and site.

    Raises:
        InvalidSettingError, LockHeldError: the check cannot begin.
        DatabaseError, TokenError: neither the database nor the site returned numbers.
    """
    from_event(NoOptions, event)
    config = from_environment(Settings, os.environ)
    reading = access.count_pools(config)
    result: report.PoolHealthResult = {"state": reading.state, "environment": config.environment, "site": None}
    if reading.state == "already_running":
        logger.info("Pool health skipped, another run holds the lock", extra={"result": result})
        return result
    if reading.counts:
        health = core.assess(reading.counts, config.pools)
        report.publish_pools(config.environment, health, config.pools)  # first: the site may take the rest of our time
        result = {**result, **report.pools_result(health)}
    site = access.ask_site(config)
    differences = disagreements(site, reading.counts) if reading.counts else None
    result["site"] = report.site_result(site, differences)
    report.publish_reachability(
        config.environment,
        is_database_readable=reading.failure is None,
        site=site,
        agrees=None if differences is None else not differences,
    )
    log = logger.info if reading.counts and site.state == "ok" else logger.warning
    log("Pool health checked", extra={"result": result, "reason": reading.reason})
    if reading.failure and site.state != "ok":
        raise reading.failure
    return result
