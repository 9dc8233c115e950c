"""The -operations stack."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler

from constructs import Construct
from constructs.alarms.notifications import AlarmContext
from constructs.checks.check_alarms import CheckNotRunning
from constructs.checks.check_permissions import may_log_in
from constructs.checks.database_role import run_at_deployment
from constructs.checks.declaration import Deployed, all_checks
from constructs.checks.scheduled_check import ScheduledCheck
from constructs.dump.dumps import Dumps
from constructs.recovery.restore_tests import RestoreTests
from constructs.rotation.rotation import Rotation
from stacks.base import EnvironmentStack


class OperationsStack(EnvironmentStack):
    """Scheduled checks, the rotation of secrets, dumps of the database, and tests of restoring."""

    layer = "operations"

    def __init__(
        self,
        scope: Construct,
        deployed: Deployed,
        *,
        alarm_context: AlarmContext,
        dump_bucket: s3.IBucket,
    ) -> None:
        super().__init__(scope, deployed.environment)
        group = scheduler.ScheduleGroup(
            self,
            "Checks",
            schedule_group_name=deployed.environment.names.schedule_group,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.checks = {
            check.name: ScheduledCheck(
                self,
                check=check,
                deployed=deployed,
                group=group,
                context=alarm_context,
            )
            for check in all_checks()
        }
        Dumps(
            self,
            "Dumps",
            environment=deployed.environment,
            network=deployed.network,
            bucket=dump_bucket,
            database_secret=deployed.database.secret,
        )
        CheckNotRunning(
            self, "NotRunning", context=alarm_context, alarms=[each.alarms for each in self.checks.values()]
        )
        rotation = Rotation(self, "Rotation", deployed=deployed)
        role = run_at_deployment(self, "Role", self.checks["database_role"].function)
        rotation.node.add_dependency(role)  # both change roles of the database
        if deployed.environment.copies_backups:
            RestoreTests(self, "RestoreTests", deployed=deployed).node.add_dependency(role)
        for scheduled in self.checks.values():
            if may_log_in in scheduled.check.permissions:
                scheduled.node.add_dependency(role)
