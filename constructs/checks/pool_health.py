"""Pool health in AWS: queries the database and the site, every 5 minutes."""

from functools import partial

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.checks.check_permissions import may_log_in, may_read_secret
from constructs.checks.declaration import Check, Deployed
from constructs.common.cloudwatch_metrics import FIVE_MINUTES, MAXIMUM, MINIMUM, check_metric


def _settings(deployed: Deployed) -> dict[str, str]:
    return {
        **deployed.login,
        **deployed.pools,
        "SITE_URL": deployed.site_url,
        "CRON_SECRET_ARN": deployed.secrets.by_name["cron-secret"].secret_arn,
    }


def _alarms(scope: Construct, context: AlarmContext) -> None:
    """The database cannot be read, a pool is unhealthy, the site's answer is wrong or differs from the database.

    Missing data is not breaching: the check has its own alarm for not running. Outages are alarms of P1.
    """
    steps = context.notifications.steps
    run = steps.check("pool_health")
    metric = partial(check_metric, environment=context.environment.name, period=FIVE_MINUTES)
    alarm = partial(
        SeverityAlarm,
        scope,
        notifications=context.notifications,
        missing_data=TreatMissingData.NOT_BREACHING,
    )
    alarm(
        "DatabaseUnreadable",
        severity=Severity.P2,
        name="database-unreadable",
        problem="pool health has failed to read the database",
        next_steps=(run, steps.database(), steps.database_events(), steps.check_log("pool_health")),
        metric=metric("DatabaseReadable", statistic=MAXIMUM),
        below=1,
        datapoints=(2, 2),
        suppressed_by=context.outage_or_database,
    )
    p4 = partial(alarm, severity=Severity.P4, datapoints=(3, 3))
    p4(
        "PoolUnhealthy",
        name="pool-unhealthy",
        problem="at least one pool has been unhealthy",
        next_steps=(run, steps.check("session_cleanup"), steps.check("thread_cleanup"), steps.restart),
        metric=metric("UnhealthyPools", statistic=MINIMUM),
        above=0,
    )
    p4(
        "SiteNotOk",
        name="site-not-ok",
        problem="the site has refused the secret, failed, or timed out, every time that pool health queried it",
        next_steps=(run, steps.errors, steps.check_log("pool_health")),
        metric=metric("SiteOk", statistic=MAXIMUM),
        below=1,
        suppressed_by=context.outage_or_database,
    )
    p4(
        "SiteDisagrees",
        name="site-disagrees",
        problem="the site's counts of threads or sessions have differed from the database's",
        next_steps=(run, steps.errors),
        metric=metric("SiteAgrees", statistic=MAXIMUM),
        below=1,
    )


CHECK = Check(
    name="pool_health",
    every=Duration.minutes(5),
    timeout=Duration.seconds(90),
    settings=_settings,
    permissions=(may_read_secret("cron-secret"), may_log_in),
    is_in_vpc=True,
    metrics=7,
    metrics_a_pool=2,
    alarms=_alarms,
)
