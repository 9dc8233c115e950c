"""What AWS Backup does with the database: a backup each day and each month, and a copy in the recovery region."""

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_backup as backup
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from names import Names

DAILY_DAYS, MONTHLY_DAYS = 35, 365
# Not within an hour before RDS's own backup and maintenance windows, 03:00 and 04:30, and not both at once.
# https://docs.aws.amazon.com/aws-backup/latest/devguide/backup-resource-type-considerations.html
_DAILY = events.Schedule.cron(minute="0", hour="7")
_MONTHLY = events.Schedule.cron(minute="0", hour="11", day="1")


class DatabaseBackups(Construct):
    """Snapshots of the database by AWS Backup, each copied to the vault of the same name in another region.

    Args:
        key: encrypts the database and this region's vault.
        copy_region, copy_key_arn: where the copies go, and the key of the vault there.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        names: Names,
        vault: backup.IBackupVault,
        database_arn: str,
        key: kms.IKey,
        copy_region: str,
        copy_key_arn: str,
    ) -> None:
        super().__init__(scope, id)
        self._names, self._copy_region = names, copy_region
        copies = backup.BackupVault.from_backup_vault_arn(self, "Copies", self._arn("backup", names.backup_vault))
        plan = backup.BackupPlan(self, "Plan", backup_plan_name=names.backup_vault, backup_vault=vault)
        for name, schedule, days in (("daily", _DAILY, DAILY_DAYS), ("monthly", _MONTHLY, MONTHLY_DAYS)):
            plan.add_rule(
                backup.BackupPlanRule(
                    rule_name=name,
                    schedule_expression=schedule,
                    start_window=Duration.hours(1),
                    completion_window=Duration.hours(12),
                    delete_after=Duration.days(days),
                    copy_actions=[
                        backup.BackupPlanCopyActionProps(
                            destination_backup_vault=copies, delete_after=Duration.days(days)
                        )
                    ],
                )
            )
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("backup.amazonaws.com"))
        self._allow(role, vault.backup_vault_arn, copies.backup_vault_arn, database_arn, (key.key_arn, copy_key_arn))
        selection = plan.add_selection(
            "Database",
            backup_selection_name="database",
            resources=[backup.BackupResource.from_arn(database_arn)],
            role=role,
            disable_default_backup_policy=True,
        )
        selection.node.add_dependency(role)  # and its policy

    def _arn(self, service: str, name: str) -> str:
        resource = {"backup": "backup-vault", "rds": "snapshot"}[service]
        return Stack.of(self).format_arn(
            service=service,
            region=self._copy_region,
            resource=resource,
            resource_name=name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _allow(self, role: iam.Role, vault_arn: str, copies_arn: str, database_arn: str, keys: tuple[str, str]) -> None:
        """What AWS's own policy allows for RDS, on this database, its snapshots, the vaults and their keys.

        https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForBackup.html
        """
        here = Stack.of(self).format_arn(
            service="rds",
            resource="snapshot",
            resource_name="awsbackup:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        snapshots = [here, self._arn("rds", "awsbackup:*")]
        changes = ("AddTagsToResource", "CopyDBSnapshot", "DeleteDBSnapshot")
        reads = ("DescribeDBSnapshots", "ListTagsForResource")
        for actions, resources in (
            (["rds:CreateDBSnapshot", "rds:DescribeDBInstances"], [database_arn]),
            ([f"rds:{action}" for action in reads], [database_arn, *snapshots]),
            (["rds:CreateDBSnapshot", *(f"rds:{action}" for action in changes)], snapshots),
            (["backup:DescribeBackupVault", "backup:CopyIntoBackupVault"], [vault_arn, copies_arn]),
            (["backup:CopyFromBackupVault"], [vault_arn]),
            (["kms:DescribeKey"], list(keys)),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:CreateGrant"],
                resources=list(keys),
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            )
        )
        for arn in snapshots:
            acknowledge(role, "Snapshots that AWS Backup names itself", f"IAM5[Resource::{arn}]")
