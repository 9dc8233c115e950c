"""What AWS Backup restores for a test: the latest backup, each month, where only the validator reaches it."""

import json

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_backup as backup
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds

from constructs import Construct
from constructs.checks.declaration import Deployed
from constructs.recovery.restore_permissions import RestoreRole
from ops_lambdas.restore_test.watch import VALIDATION_HOURS

# The day after the monthly backup, hours after RDS's windows and the daily backup.
_SCHEDULE = "cron(0 13 2 * ? *)"
# The smallest with PostgreSQL 18.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html
RESTORED_CLASS = "db.t4g.micro"
# Backups are daily; older ones are not what a recovery would take.
_SELECTION_DAYS = 7


class RestoreTestingPlan(Construct):
    """A restore testing plan with the database, in isolated subnets and a security group of their own.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-inferred-metadata.html

    Attributes: arn.
    """

    def __init__(self, scope: Construct, id: str, *, deployed: Deployed) -> None:
        super().__init__(scope, id)
        names, network = deployed.environment.names, deployed.network
        vault = Stack.of(self).format_arn(
            service="backup",
            resource="backup-vault",
            resource_name=names.backup_vault,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        plan = backup.CfnRestoreTestingPlan(
            self,
            "Plan",
            restore_testing_plan_name=names.restore_testing_plan,
            schedule_expression=_SCHEDULE,
            start_window_hours=1,
            recovery_point_selection=backup.CfnRestoreTestingPlan.RestoreTestingRecoveryPointSelectionProperty(
                algorithm="LATEST_WITHIN_WINDOW",
                include_vaults=[vault],
                recovery_point_types=["SNAPSHOT"],
                selection_window_days=_SELECTION_DAYS,
            ),
        )
        subnets = rds.CfnDBSubnetGroup(
            self,
            "Subnets",
            db_subnet_group_name=names.restore_test,
            db_subnet_group_description="Isolated subnets, for databases restored for a test",
            subnet_ids=network.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED).subnet_ids,
        )
        role = RestoreRole(self, "Role", deployed=deployed, subnet_group=names.restore_test)
        selection = backup.CfnRestoreTestingSelection(
            self,
            "Selection",
            restore_testing_plan_name=plan.ref,
            restore_testing_selection_name=names.restore_testing_plan,
            protected_resource_type="RDS",
            protected_resource_arns=[deployed.database.instance.instance_arn],
            iam_role_arn=role.role_arn,
            validation_window_hours=VALIDATION_HOURS,
            restore_metadata_overrides={
                "dbInstanceClass": RESTORED_CLASS,
                "dbSubnetGroupName": subnets.ref,
                "vpcSecurityGroupIds": Stack.of(self).to_json_string([network.restored_group.security_group_id]),
                "multiAz": json.dumps(False),
                "publiclyAccessible": json.dumps(False),
            },
        )
        selection.node.add_dependency(role)  # and its policy
        self.arn = plan.attr_restore_testing_plan_arn
