"""Backup vaults: encrypted, and nobody deletes from them before its time."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_backup as backup
from aws_cdk import aws_kms as kms

from constructs import Construct


class Vault(backup.BackupVault):
    """A vault whose policy lets nobody delete a backup, or change when AWS Backup does so itself.

    Args:
        lock_days: the vault also refuses backups that would be deleted earlier; None: without a lock. A lock in
            governance mode: who may change the vault's lock can take it away.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        key: kms.IKey,
        lock_days: int | None,
        removal_policy: RemovalPolicy,
    ) -> None:
        lock = backup.LockConfiguration(min_retention=Duration.days(lock_days)) if lock_days else None
        super().__init__(
            scope,
            id,
            backup_vault_name=name,
            encryption_key=key,
            block_recovery_point_deletion=True,
            lock_configuration=lock,
            removal_policy=removal_policy,
        )
