"""Session cleanup in AWS: ends idle sessions and closes their threads on every task, every 15 minutes."""

from aws_cdk import Duration

from constructs.checks.check_permissions import may_find_tasks, may_log_in
from constructs.checks.declaration import Check

CHECK = Check(
    name="session_cleanup",
    every=Duration.minutes(15),
    timeout=Duration.minutes(5),
    settings=lambda deployed: {**deployed.login, **deployed.tasks, **deployed.pools},
    permissions=(may_find_tasks, may_log_in),
    is_in_vpc=True,
)
