"""Backups, and what the home region copies to the recovery region."""

from dataclasses import replace
from pathlib import Path

import pytest

from config import PRODUCTION, REHEARSAL
from tests.infra.conftest import Deployment, synthesize
from validation import ConfigurationError

VAULT, PLAN, INSTANCE = "AWS::Backup::BackupVault", "AWS::Backup::BackupPlan", "AWS::RDS::DBInstance"


def test_copies_go_to_the_vault_of_the_recovery_region(standbys: dict[str, Deployment], production: Deployment) -> None:
    (vault,) = standbys["production"].properties(VAULT)
    (plan,) = production.properties(PLAN)
    for rule in plan["BackupPlan"]["BackupPlanRule"]:
        (copy,) = rule["CopyActions"]
        place = f"arn:aws:backup:{PRODUCTION.recovery_region}:{PRODUCTION.account}"
        assert copy["DestinationBackupVaultArn"] == f"{place}:backup-vault:{vault['BackupVaultName']}"
        assert copy["Lifecycle"] == rule["Lifecycle"]


def test_backups_are_daily_for_35_days_and_monthly_for_a_year_outside_of_rds_s_windows(production: Deployment) -> None:
    (plan,) = production.properties(PLAN)
    rules = {one["RuleName"]: one for one in plan["BackupPlan"]["BackupPlanRule"]}
    assert {name: (one["ScheduleExpression"], one["Lifecycle"]) for name, one in rules.items()} == {
        "daily": ("cron(0 7 * * ? *)", {"DeleteAfterDays": 35}),
        "monthly": ("cron(0 11 1 * ? *)", {"DeleteAfterDays": 365}),
    }
    (selection,) = production.properties("AWS::Backup::BackupSelection")
    (resource,) = selection["BackupSelection"]["Resources"]
    place = f"arn:aws:rds:{PRODUCTION.region}:{PRODUCTION.account}"
    assert resource == f"{place}:db:{PRODUCTION.names.database}"


def test_nobody_deletes_a_backup_and_a_lock_is_by_configuration(
    tmp_path: Path, standbys: dict[str, Deployment], production: Deployment
) -> None:
    for vault in (*standbys["production"].properties(VAULT), *production.properties(VAULT)):
        (statement,) = vault["AccessPolicy"]["Statement"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
        assert {"backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"} <= set(statement["Action"])
        assert "LockConfiguration" not in vault
    (locked,) = synthesize(replace(PRODUCTION, backup_lock_days=30), tmp_path, is_checked=False).properties(VAULT)
    assert locked["LockConfiguration"] == {"MinRetentionDays": 30}


def test_automated_backups_are_replicated_with_the_recovery_region_s_key(production: Deployment) -> None:
    primary, replica = production.properties(INSTANCE)
    if "SourceDBInstanceIdentifier" in primary:
        primary, replica = replica, primary
    ((lookup, _),) = production.resources("Custom::RecoveryRegion")
    assert primary["AutomaticBackupReplicationRegion"] == PRODUCTION.recovery_region
    assert primary["AutomaticBackupReplicationKmsKeyId"] == {"Fn::GetAtt": [lookup.partition("/")[2], "KeyArn"]}
    assert primary["AutomaticBackupReplicationRetentionPeriod"] == primary["BackupRetentionPeriod"] == 7
    assert "AutomaticBackupReplicationRegion" not in replica


def test_only_the_home_region_of_who_wants_it_copies(deployment: Deployment) -> None:
    chosen = deployment.environment
    copies = chosen.recovery == "backups" and chosen.region == chosen.home_region
    assert bool(deployment.properties(PLAN)) is (chosen.recovery == "backups")
    rules = [rule for one in deployment.properties(PLAN) for rule in one["BackupPlan"]["BackupPlanRule"]]
    assert any("CopyActions" in rule for rule in rules) is copies
    assert bool(deployment.properties("Custom::RecoveryRegion")) is copies
    (primary,) = [one for one in deployment.properties(INSTANCE) if "SourceDBInstanceIdentifier" not in one]
    assert ("AutomaticBackupReplicationRegion" in primary) is copies


def test_a_lock_longer_than_the_daily_backups_are_kept_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"backup_lock_days must be .* from 1 to 35, got 36"):
        replace(REHEARSAL, backup_lock_days=36)
    with pytest.raises(ConfigurationError, match="recovery must be one of backups, none, got 'replica'"):
        replace(REHEARSAL, recovery="replica")
