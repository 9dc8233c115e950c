"""Cron routes in AWS: calls the site's intermediary-cleanup every 30 minutes, and weekly-reset on Mondays."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_ssm as ssm
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.checks.check_permissions import may_describe_service, may_read_secret
from constructs.checks.declaration import Check, Deployed, Run
from constructs.common.cloudwatch_metrics import MAXIMUM, check_metric
from ops_lambdas.cron_routes.core import INTERMEDIARY_CLEANUP, RESET_HOUR, WEEKLY_RESET

EVERY = Duration.minutes(30)


def _settings(deployed: Deployed) -> dict[str, str]:
    names = deployed.environment.names
    return {
        "ECS_CLUSTER": names.cluster,
        "ECS_SERVICE": names.service,
        "SITE_URL": deployed.site_url,
        "CRON_SECRET_ARN": deployed.secrets.by_name["cron-secret"].secret_arn,
        "WEEKLY_RESET_PARAMETER": names.weekly_reset_parameter,
    }


def _may_remember_reset(function: lambda_.Function, deployed: Deployed) -> None:
    """Read and write the parameter, made here, that remembers when the weekly reset last succeeded."""
    parameter = ssm.StringParameter(
        function,
        "WeeklyReset",
        parameter_name=deployed.environment.names.weekly_reset_parameter,
        description="When the weekly reset last succeeded; the check cron_routes writes it",
        string_value="not since the deployment",
    )
    actions = ["ssm:GetParameter", "ssm:PutParameter"]
    function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[parameter.parameter_arn]))


def _alarms(scope: Construct, context: AlarmContext) -> None:
    """The weekly reset has failed, or was not called. Missing data is not breaching: not running has its own alarm."""
    steps = context.notifications.steps
    SeverityAlarm(
        scope,
        "WeeklyResetOverdue",
        notifications=context.notifications,
        severity=Severity.P3,
        name="weekly-reset-overdue",
        problem="the site's weekly reset has not succeeded since Monday, 14:00 UTC: no leaderboard, no prizes",
        next_steps=(steps.check_log("cron_routes"), steps.weekly_reset, steps.schedule("cron_routes")),
        metric=check_metric("WeeklyResetOverdue", context.environment.name, period=EVERY, statistic=MAXIMUM),
        above=0,
        datapoints=(1, 1),
        missing_data=TreatMissingData.NOT_BREACHING,
    )


CHECK = Check(
    name="cron_routes",
    every=EVERY,
    timeout=Duration.seconds(180),  # the site has 120 s, as long as the load balancer waits; the rest is AWS's
    settings=_settings,
    permissions=(may_read_secret("cron-secret"), may_describe_service, _may_remember_reset),
    runs={
        INTERMEDIARY_CLEANUP: Run(scheduler.ScheduleExpression.rate(EVERY), {"route": INTERMEDIARY_CLEANUP}),
        WEEKLY_RESET: Run(
            scheduler.ScheduleExpression.cron(week_day="MON", hour=str(RESET_HOUR), minute="0"),
            {"route": WEEKLY_RESET},
        ),
    },
    alarms=_alarms,
)
