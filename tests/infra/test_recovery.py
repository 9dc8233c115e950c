"""What the recovery region has in standby, and what the home region copies there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from cdk_nag import AwsSolutionsChecks

from config import DEVELOPMENT, PRODUCTION, REHEARSAL
from environment import Environment
from stacks import add_standby
from tests.infra.conftest import CONTEXT, Deployment
from validation import ConfigurationError

VAULT, PLAN, INSTANCE = "AWS::Backup::BackupVault", "AWS::Backup::BackupPlan", "AWS::RDS::DBInstance"


def standby(folder: Path, environment: Environment) -> dict[str, dict[str, Any]]:
    """Resources of the standby, by type; there is one of each."""
    app = cdk.App(context=CONTEXT, outdir=str(folder))
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
    add_standby(app, replace(environment, region=environment.recovery_region))
    resources = app.synth().get_stack_by_name(environment.names.stack("recovery")).template["Resources"]
    assert len(resources) == len({one["Type"] for one in resources.values()})
    return {one["Type"]: one for one in resources.values()}


def test_standby_has_the_key_and_the_vault_that_the_home_region_refers_to(
    tmp_path: Path, production: Deployment
) -> None:
    made = standby(tmp_path, PRODUCTION)
    assert made.keys() == {"AWS::KMS::Key", "AWS::KMS::Alias", VAULT}
    assert made["AWS::KMS::Key"]["DeletionPolicy"] == "RetainExceptOnCreate"
    vault = made[VAULT]["Properties"]
    assert vault["EncryptionKeyArn"] == {
        "Fn::GetAtt": [made["AWS::KMS::Alias"]["Properties"]["TargetKeyId"]["Fn::GetAtt"][0], "Arn"]
    }
    (lookup,) = production.properties("Custom::RecoveryKey")
    assert lookup["Alias"] == made["AWS::KMS::Alias"]["Properties"]["AliasName"]
    assert lookup["Region"] == PRODUCTION.recovery_region
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
    (primary,) = (id_ for id_, one in production.resources(INSTANCE) if "BackupRetentionPeriod" in one["Properties"])
    assert resource["Fn::Join"][1][-1] == {"Ref": primary.partition("/")[2]}


def test_nobody_deletes_a_backup_and_a_lock_is_by_configuration(tmp_path: Path, production: Deployment) -> None:
    for vault in (standby(tmp_path / "one", PRODUCTION)[VAULT]["Properties"], *production.properties(VAULT)):
        (statement,) = vault["AccessPolicy"]["Statement"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
        assert {"backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle"} <= set(statement["Action"])
        assert "LockConfiguration" not in vault
    locked = standby(tmp_path / "two", replace(PRODUCTION, backup_lock_days=30))[VAULT]["Properties"]
    assert locked["LockConfiguration"] == {"MinRetentionDays": 30}


def test_automated_backups_are_replicated_with_the_recovery_region_s_key(production: Deployment) -> None:
    primary, replica = production.properties(INSTANCE)
    if "SourceDBInstanceIdentifier" in primary:
        primary, replica = replica, primary
    ((lookup, _),) = production.resources("Custom::RecoveryKey")
    assert primary["AutomaticBackupReplicationRegion"] == PRODUCTION.recovery_region
    assert primary["AutomaticBackupReplicationKmsKeyId"] == {"Fn::GetAtt": [lookup.partition("/")[2], "Arn"]}
    assert primary["AutomaticBackupReplicationRetentionPeriod"] == primary["BackupRetentionPeriod"] == 7
    assert "AutomaticBackupReplicationRegion" not in replica


def test_only_the_home_region_of_who_wants_it_copies(deployment: Deployment) -> None:
    chosen = deployment.environment
    copies = chosen.recovery == "backups" and chosen.region == chosen.home_region
    assert bool(deployment.properties(PLAN)) is copies
    assert bool(deployment.properties("Custom::RecoveryKey")) is copies
    (primary,) = [one for one in deployment.properties(INSTANCE) if "SourceDBInstanceIdentifier" not in one]
    assert ("AutomaticBackupReplicationRegion" in primary) is copies


@pytest.mark.parametrize(
    ("environment", "got"),
    [
        (PRODUCTION, "got us-east-1 and 'backups'"),
        (replace(DEVELOPMENT, region="us-west-2"), "got us-west-2 and 'none'"),
    ],
)
def test_standby_elsewhere_is_refused(environment: Environment, got: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"region must be its recovery_region \(us-west-2\) .*{got}"):
        add_standby(cdk.App(), environment)


def test_a_lock_longer_than_the_daily_backups_are_kept_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"backup_lock_days must be .* from 1 to 35, got 36"):
        replace(REHEARSAL, backup_lock_days=36)
    with pytest.raises(ConfigurationError, match="recovery must be one of backups, none, got 'replica'"):
        replace(REHEARSAL, recovery="replica")
