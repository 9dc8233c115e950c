"""Thread cleanup in AWS: closes the threads that the application has forgotten, every 30 minutes."""

from aws_cdk import Duration

from constructs.checks.check_permissions import may_find_tasks, may_log_in
from constructs.checks.declaration import Check, Deployed


def _settings(deployed: Deployed) -> dict[str, str]:
    grace_seconds = str(deployed.environment.thread_grace_seconds)
    return {**deployed.login, **deployed.tasks, **deployed.pools, "GRACE_SECONDS": grace_seconds}


CHECK = Check(
    name="thread_cleanup",
    every=Duration.minutes(30),
    timeout=Duration.minutes(10),
    memory_mib=512,  # forty concurrent calls need CPU
    settings=_settings,
    permissions=(may_find_tasks, may_log_in),
    is_in_vpc=True,
)
