"""Alarms on what pool health found, short of an outage."""

from functools import partial

from constructs import Construct
from constructs.channel import Channel, Severity
from constructs.metrics import FIVE_MINUTES, MAXIMUM, MINIMUM, check_metric
from constructs.severity_alarm import SeverityAlarm, Silence


class PoolAlarms(Construct):
    """The database cannot be read, a pool is unhealthy, the site answers wrongly or otherwise than the database.

    Silence is fine here: the check `pool_health` has alarms of its own for that.

    Attributes: alarms.
    """

    def __init__(self, scope: Construct, id: str, *, channel: Channel, environment: str) -> None:
        super().__init__(scope, id)
        steps = channel.steps
        look = steps.check("pool_health")
        metric = partial(check_metric, environment=environment, period=FIVE_MINUTES)
        alarm = partial(SeverityAlarm, self, channel=channel, silence=Silence.IS_FINE)
        self.alarms = [
            alarm(
                "DatabaseUnreadable",
                severity=Severity.P2,
                name="database-unreadable",
                problem="pool health could not read the database",
                next_steps=(look, steps.database(), steps.database_events(), steps.check_log("pool_health")),
                metric=metric("DatabaseReadable", statistic=MAXIMUM),
                below=1,
                datapoints=(2, 2),
            ),
            alarm(
                "PoolUnhealthy",
                severity=Severity.P4,
                name="pool-unhealthy",
                problem="at least one pool is unhealthy",
                next_steps=(look, steps.check("session_cleanup"), steps.check("thread_cleanup"), steps.restart),
                metric=metric("UnhealthyPools", statistic=MINIMUM),
                above=0,
                datapoints=(3, 3),
            ),
            alarm(
                "SiteNotOk",
                severity=Severity.P4,
                name="site-not-ok",
                problem="the site has refused the secret, failed, or been too slow, whenever pool health asked it",
                next_steps=(look, steps.errors, steps.check_log("pool_health")),
                metric=metric("SiteOk", statistic=MAXIMUM),
                below=1,
                datapoints=(3, 3),
            ),
            alarm(
                "SiteDisagrees",
                severity=Severity.P4,
                name="site-disagrees",
                problem="the site counts other threads or sessions than the database holds",
                next_steps=(look, steps.errors),
                metric=metric("SiteAgrees", statistic=MAXIMUM),
                below=1,
                datapoints=(3, 3),
            ),
        ]
