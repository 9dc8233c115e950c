"""Containers in AWS: looks every minute whether every container of every task runs, and whether ECS deploys."""

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.checks.check_permissions import may_describe_service, may_find_tasks
from constructs.checks.declaration import Check, Deployed
from constructs.common.cloudwatch_metrics import MAXIMUM, MINUTE, check_metric
from names import Names

NAME = "container-missing"


def _notification(names: Names) -> str:
    return names.notification(names.alarm(Severity.P3, NAME))


def _settings(deployed: Deployed) -> dict[str, str]:
    names = deployed.environment.names
    return {
        "ECS_CLUSTER": names.cluster,
        "ECS_SERVICE": names.service,
        "ALARM_NAME": _notification(names),
        "LOG_GROUP": names.service_log_group,
    }


def _may_set_alarm(function: lambda_.Function, deployed: Deployed) -> None:
    """Give the alarm on a missing container its reason."""
    alarm = Stack.of(function).format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name=_notification(deployed.environment.names),
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    function.add_to_role_policy(iam.PolicyStatement(actions=["cloudwatch:SetAlarmState"], resources=[alarm]))


def _alarms(scope: Construct, context: AlarmContext) -> None:
    """A container is missing. Missing data is not breaching: the check has its own alarm for not running."""
    steps = context.notifications.steps
    SeverityAlarm(
        scope,
        "Missing",
        notifications=context.notifications,
        severity=Severity.P3,
        name=NAME,
        problem="a container that should run does not; the alarm's reason names it",
        next_steps=(steps.check("containers"), steps.errors, steps.restart),
        metric=check_metric("MissingContainers", context.environment.name, period=MINUTE, statistic=MAXIMUM),
        above=0,
        datapoints=(1, 1),  # the check looks twice
        missing_data=TreatMissingData.NOT_BREACHING,
        suppressed_by=context.outage_or_deployment,
    )


CHECK = Check(
    name="containers",
    every=Duration.minutes(1),
    timeout=Duration.seconds(55),
    settings=_settings,
    permissions=(may_find_tasks, may_describe_service, _may_set_alarm),
    metrics=3,
    alarms=_alarms,
)
