"""Alarms on what nobody feels today: lines of error, mail that does not arrive, costs, old secrets, backups."""

from functools import partial

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs

from constructs import Construct
from constructs.channel import Channel, Severity
from constructs.metrics import DAY, FIVE_MINUTES, HOUR, MAXIMUM, MINIMUM, NAMESPACE, SUM, check_metric
from constructs.severity_alarm import SeverityAlarm, Silence
from ops_lambdas.housekeeping.core import MAX_SECRET_DAYS

UNCONFIRMED_HOURS = 12  # a new address gets half a day; SNS takes its mail back after two
# RDS ships transaction logs every five minutes, so twelve of them are missing.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html
MAX_RESTORABLE_MINUTES = 60


class HousekeepingAlarms(Construct):
    """Lines of error, notifications, costs, and what the check `housekeeping` found.

    Silence is fine here: each check has an alarm of its own for that. A metric filter of plain text can give its
    metric no dimension, so the environment stands in its name.

    Args:
        max_error_lines: in five minutes.
        max_monthly_usd: the band of all costs, if there is one.
    Attributes: alarms.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        channel: Channel,
        environment: str,
        log_group: logs.ILogGroup,
        max_error_lines: int,
        max_monthly_usd: float | None,
    ) -> None:
        super().__init__(scope, id)
        steps = channel.steps
        look = steps.check("housekeeping")
        error_lines = logs.MetricFilter(
            self,
            "ErrorLines",
            log_group=log_group,
            filter_pattern=logs.FilterPattern.any_term("ERROR"),
            metric_namespace=NAMESPACE,
            metric_name=f"ErrorLines-{environment}",
            metric_value="1",
            default_value=0,
        )
        metric = partial(check_metric, environment=environment, period=HOUR)
        alarm = partial(SeverityAlarm, self, channel=channel, severity=Severity.P4, silence=Silence.IS_FINE)
        self.alarms = [
            alarm(
                "ErrorsLogged",
                name="errors-logged",
                problem=f"over {max_error_lines} lines with ERROR in five minutes, more than usual",
                next_steps=(steps.errors, steps.check("pool_health"), steps.tasks),
                metric=error_lines.metric(period=FIVE_MINUTES, statistic=SUM),
                above=max_error_lines,
                datapoints=(2, 3),
                is_quiet_in_deployment=True,
            ),
            alarm(
                "NotificationsFailed",
                name="notifications-failed",
                problem="the alarm topic could not deliver a message to one of its subscribers",
                next_steps=(steps.subscribers,),
                metric=cloudwatch.Metric(
                    namespace="AWS/SNS",
                    metric_name="NumberOfNotificationsFailed",
                    dimensions_map={"TopicName": f"{channel.prefix}-alarms"},
                    period=FIVE_MINUTES,
                    statistic=SUM,
                ),
                above=0,
                datapoints=(1, 1),
            ),
            alarm(
                "SecretOld",
                name="secret-old",
                problem=f"a secret has had its value for over {MAX_SECRET_DAYS} days",
                next_steps=(look, steps.replace_secret, steps.restart),
                metric=metric("OldestSecretDays", statistic=MAXIMUM),
                above=MAX_SECRET_DAYS,
                datapoints=(1, 1),
            ),
            alarm(
                "SubscriberUnconfirmed",
                name="subscriber-unconfirmed",
                problem="an address that is meant to hear the alarms has not confirmed, or has unsubscribed",
                next_steps=(look, steps.subscribers, steps.subscribe),
                metric=metric("UnconfirmedSubscribers", statistic=MINIMUM),
                above=0,
                datapoints=(UNCONFIRMED_HOURS, UNCONFIRMED_HOURS),
            ),
            alarm(
                "BackupStale",
                name="backup-stale",
                problem=f"the database can be restored only to a time over {MAX_RESTORABLE_MINUTES} minutes ago",
                next_steps=(look, steps.backups, steps.database_events(), steps.back_up),
                metric=metric("RestorableMinutesAgo", statistic=MINIMUM),
                above=MAX_RESTORABLE_MINUTES,
                datapoints=(2, 2),
            ),
        ]
        if max_monthly_usd is not None:
            self.alarms.append(
                alarm(
                    "CostForecast",
                    name="cost-forecast",
                    problem=f"this month is forecast to cost over {max_monthly_usd:g} USD, the band's upper end",
                    next_steps=(steps.check("cost_report"), "compare the bands with cost_bands in config.py"),
                    metric=check_metric("ForecastCost", environment, period=DAY, statistic=MAXIMUM),
                    above=max_monthly_usd,
                    datapoints=(1, 1),
                )
            )
