"""Pool health on AWS: what database and site say in; metrics, log lines and a result out."""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ops_lambdas.pool_health import access, core, publication
from ops_lambdas.pool_health import site as sites
from ops_lambdas.shared.settings import NoOptions, from_event

logger = Logger(utc=True)


@logger.inject_lambda_context
def handler(event: object, _context: LambdaContext) -> core.PoolHealthResult:
    """Count each pool's threads and sessions in the database, ask the site for its own count, publish both.

    Needs `rds-db:connect` as the database's role, `secretsmanager:GetSecretValue` on the cron secret with
    `kms:Decrypt` with its key, and the network to database, Secrets Manager and site.

    Raises:
        InvalidSettingError: the check cannot begin.
        DatabaseError, TokenError: neither the database nor the site gave numbers.
    """
    from_event(NoOptions, event)
    config = access.settings()
    reading = access.count_pools(config)
    result: core.PoolHealthResult = {"state": reading.state, "environment": config.environment, "site": None}
    if reading.state == "already_running":
        logger.info("Another run is reading, nothing done", extra={"result": result})
        return result
    if reading.counts:
        health = core.assess(reading.counts, config.pools)
        publication.publish_pools(config.environment, health)  # first, whatever the site does to our time
        result = {**result, **core.told(health)}
    site = access.ask_site(config)
    differences = sites.disagreements(site, reading.counts) if reading.counts else None
    result["site"] = sites.told(site, differences)
    publication.publish_reach(
        config.environment,
        is_database_readable=reading.failure is None,
        site=site,
        agrees=None if differences is None else not differences,
    )
    report = logger.info if reading.counts and site.state == "ok" else logger.warning
    report("Pools looked at", extra={"result": result, "reason": reading.reason})
    if reading.failure and site.state != "ok":
        raise reading.failure
    return result
