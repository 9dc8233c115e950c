"""Alarms on what nobody feels today: lines of error, mail that does not arrive, costs."""

from functools import partial

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs

from constructs import Construct
from constructs.channel import Channel, Severity
from constructs.metrics import DAY, FIVE_MINUTES, MAXIMUM, NAMESPACE, SUM, check_metric
from constructs.severity_alarm import SeverityAlarm, Silence


class HousekeepingAlarms(Construct):
    """Lines of error above the usual, notifications that failed, a forecast above the band of all costs.

    A metric filter of plain text can give its metric no dimension, so the environment stands in its name.

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
