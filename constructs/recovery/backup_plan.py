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
    """Snapshots of the database by AWS Backup; each is copied to the vault of the same name in another region, if any.

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
        copy_region: str | None = None,
        copy_key_arn: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        vaults, keys, regions = [vault.backup_vault_arn], [key.key_arn], [Stack.of(self).region]
        copies: list[backup.IBackupVault] = []
        if copy_region and copy_key_arn:
            there = self._arn("backup", "backup-vault", names.backup_vault, copy_region)
            copies = [backup.BackupVault.from_backup_vault_arn(self, "Copies", there)]
            vaults, keys, regions = [*vaults, there], [*keys, copy_key_arn], [*regions, copy_region]
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
                        backup.BackupPlanCopyActionProps(destination_backup_vault=one, delete_after=Duration.days(days))
                        for one in copies
                    ]
                    or None,
                )
            )
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("backup.amazonaws.com"))
        snapshots = [self._arn("rds", "snapshot", "awsbackup:*", region) for region in regions]
        self._allow(role, vaults, database_arn, snapshots, keys)
        selection = plan.add_selection(
            "Database",
            backup_selection_name="database",
            resources=[backup.BackupResource.from_arn(database_arn)],
            role=role,
            disable_default_backup_policy=True,
        )
        selection.node.add_dependency(role)  # and its policy

    def _arn(self, service: str, resource: str, name: str, region: str) -> str:
        return Stack.of(self).format_arn(
            service=service,
            region=region,
            resource=resource,
            resource_name=name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    @staticmethod
    def _allow(role: iam.Role, vaults: list[str], database: str, snapshots: list[str], keys: list[str]) -> None:
        """What AWS's own policy allows for RDS, on this database, its snapshots, the vaults and their keys: ARNs.

        https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForBackup.html

        Args:
            vaults: this region's first.
        """
        reads = ["rds:DescribeDBSnapshots", "rds:ListTagsForResource"]
        changes = ["rds:CreateDBSnapshot", "rds:AddTagsToResource", "rds:CopyDBSnapshot", "rds:DeleteDBSnapshot"]
        for actions, resources in (
            (["rds:CreateDBSnapshot", "rds:DescribeDBInstances"], [database]),
            (reads, [database, *snapshots]),
            (changes, snapshots),
            (["backup:DescribeBackupVault", "backup:CopyIntoBackupVault"], vaults),
            (["backup:CopyFromBackupVault"], vaults[:1]),
            (["kms:DescribeKey"], keys),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:CreateGrant"],
                resources=keys,
                conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            )
        )
        for arn in snapshots:
            acknowledge(role, "Snapshots that AWS Backup names itself", f"IAM5[Resource::{arn}]")
