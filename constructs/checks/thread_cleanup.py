"""Thread cleanup in AWS: closes the threads that the application has forgotten, every 30 minutes."""

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import TreatMissingData

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.alarms.severity import Severity
from constructs.alarms.severity_alarm import SeverityAlarm
from constructs.checks.check_permissions import may_find_tasks, may_log_in
from constructs.checks.declaration import Check, Deployed
from constructs.common.cloudwatch_metrics import SUM, check_metric


def _settings(deployed: Deployed) -> dict[str, str]:
    grace_seconds = str(deployed.environment.thread_grace_seconds)
    return {**deployed.login, **deployed.tasks, **deployed.pools, "GRACE_SECONDS": grace_seconds}


def _alarms(scope: Construct, context: AlarmContext) -> None:
    """Coral has no threads API, so that neither cleanup closes any. Not running has its own alarm."""
    steps = context.notifications.steps
    SeverityAlarm(
        scope,
        "ThreadsApiMissing",
        notifications=context.notifications,
        severity=Severity.P4,
        name="threads-api-missing",
        problem="every Coral server has answered 404 to every list of threads: it lacks the API, no thread is closed",
        next_steps=(steps.check("thread_cleanup"), steps.check_log("thread_cleanup"), steps.tasks),
        # Four runs; one more or less may fall into the period.
        metric=check_metric("ThreadsApiMissing", context.environment.name, period=Duration.hours(2), statistic=SUM),
        above=2,
        datapoints=(1, 1),
        missing_data=TreatMissingData.NOT_BREACHING,
    )


CHECK = Check(
    name="thread_cleanup",
    every=Duration.minutes(30),
    timeout=Duration.minutes(10),
    memory_mib=512,  # forty concurrent calls need CPU
    settings=_settings,
    permissions=(may_find_tasks, may_log_in),
    is_in_vpc=True,
    alarms=_alarms,
)
