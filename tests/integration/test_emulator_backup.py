"""The emulator's backups: replicated automated ones of RDS, and AWS Backup's selections."""

import pytest
from botocore.exceptions import WaiterError

from tests.integration.emulator_process import Emulator
from tests.integration.emulator_templates import database

NAME = "emulator-replicated"


def replicated(region: str, key: str, name: str = NAME) -> dict[str, object]:
    made = database("")["Database"]
    made["Properties"] |= {
        "DBInstanceIdentifier": name,
        "DBName": "replicated",
        "MasterUsername": "replicated",
        "MasterUserPassword": "for-this-test",
        "AutomaticBackupReplicationRegion": region,
        "AutomaticBackupReplicationKmsKeyId": key,
    }
    return {"Database": made}


def test_automated_backups_are_in_the_other_region_while_the_template_says_so(emulator: Emulator) -> None:
    rds = emulator.client("rds", "us-west-2")

    def listed() -> list[str]:
        answer = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=NAME)
        return [one["Region"] for one in answer["DBInstanceAutomatedBackups"] if "LatestTime" in one["RestoreWindow"]]

    key = emulator.client("kms", "us-west-2").create_key()["KeyMetadata"]["Arn"]
    emulator.deploy("replicated", replicated("us-west-2", key))
    assert listed() == ["us-east-1"]
    other = replicated("", "")
    for name in ("AutomaticBackupReplicationRegion", "AutomaticBackupReplicationKmsKeyId"):
        other["Database"]["Properties"].pop(name)  # type: ignore[index]
    emulator.deploy("replicated", other, "eu-west-1")
    assert listed() == ["us-east-1"], "an instance of the same name elsewhere changes nothing"
    emulator.client("cloudformation", "eu-west-1").delete_stack(StackName="replicated")
    without = replicated("us-west-2", key)
    for name in ("AutomaticBackupReplicationRegion", "AutomaticBackupReplicationKmsKeyId"):
        without["Database"]["Properties"].pop(name)  # type: ignore[index]
    emulator.deploy("replicated", without)
    assert listed() == []
    emulator.delete("replicated")


@pytest.mark.parametrize("key", ["", "alias/mine", "arn:aws:kms:us-west-2:000000000000:key/of-nobody"])
def test_key_that_is_not_one_of_that_region_is_refused(emulator: Emulator, key: str) -> None:
    stack = f"refused-{len(key)}"
    with pytest.raises(WaiterError) as error:
        emulator.deploy(stack, replicated("us-west-2", key, stack))
    assert any("require a valid KMS key ID" in note for note in error.value.__notes__)
    emulator.delete(stack)
    names = [one["DBInstanceIdentifier"] for one in emulator.client("rds").describe_db_instances()["DBInstances"]]
    assert stack not in names


def test_selection_of_a_plan_is_there_and_goes_with_it(emulator: Emulator) -> None:
    role = "arn:aws:iam::000000000000:role/backup"
    rule = {"RuleName": "daily", "TargetBackupVault": "Default", "ScheduleExpression": "cron(0 7 * * ? *)"}
    plan = {"BackupPlanName": "selected", "BackupPlanRule": [rule]}
    selection = {"SelectionName": "database", "IamRoleArn": role, "Resources": ["arn:aws:rds:us-east-1:1:db:one"]}
    ids = emulator.deploy(
        "selected",
        {
            "Plan": {"Type": "AWS::Backup::BackupPlan", "Properties": {"BackupPlan": plan}},
            "Selection": {
                "Type": "AWS::Backup::BackupSelection",
                "Properties": {"BackupPlanId": {"Ref": "Plan"}, "BackupSelection": selection},
            },
        },
    )
    backup = emulator.client("backup")
    id_ = ids["Selection"].partition("_")[0]
    found = backup.get_backup_selection(BackupPlanId=ids["Plan"], SelectionId=id_)["BackupSelection"]
    assert (found["IamRoleArn"], found["Resources"]) == (role, selection["Resources"])
    emulator.delete("selected")
    assert all(one["BackupPlanId"] != ids["Plan"] for one in backup.list_backup_plans()["BackupPlansList"])


def test_objects_are_replicated_while_the_template_says_so(emulator: Emulator) -> None:
    def versioned(**more: object) -> dict[str, object]:
        versioning = {"VersioningConfiguration": {"Status": "Enabled"}}
        return {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {**versioning, **more}}}

    def bucket(stack: str, region: str) -> str:
        formation = emulator.client("cloudformation", region)
        found = formation.describe_stack_resource(StackName=stack, LogicalResourceId="Bucket")["StackResourceDetail"]
        return str(found["PhysicalResourceId"])

    emulator.deploy("copies", versioned(), "us-west-2")
    there = bucket("copies", "us-west-2")
    rule = {
        "Id": "all",
        "Status": "Enabled",
        "Priority": 0,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{there}"},
    }
    emulator.deploy("copied", versioned(ReplicationConfiguration={"Role": "arn:aws:iam::0:role/r", "Rules": [rule]}))
    here, s3 = bucket("copied", "us-east-1"), emulator.client("s3")
    s3.put_object(Bucket=here, Key="first", Body=b"1")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=there)["Contents"]] == ["first"]
    emulator.deploy("copied", versioned())
    s3.put_object(Bucket=here, Key="second", Body=b"2")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=there)["Contents"]] == ["first"]


def test_restore_testing_plan_and_selection_are_there_until_they_are_deleted(emulator: Emulator) -> None:
    vaults = {"Algorithm": "LATEST_WITHIN_WINDOW", "IncludeVaults": ["*"], "RecoveryPointTypes": ["SNAPSHOT"]}
    plan = {
        "RestoreTestingPlanName": "tested",
        "ScheduleExpression": "cron(0 13 2 * ? *)",
        "RecoveryPointSelection": vaults,
    }
    selection = {
        "RestoreTestingPlanName": {"Ref": "Plan"},
        "RestoreTestingSelectionName": "database",
        "ProtectedResourceType": "RDS",
        "IamRoleArn": "arn:aws:iam::000000000000:role/restore",
        "ProtectedResourceArns": ["*"],
        "RestoreMetadataOverrides": {"dbInstanceClass": "db.t4g.micro"},
    }
    emulator.deploy(
        "tested",
        {
            "Plan": {"Type": "AWS::Backup::RestoreTestingPlan", "Properties": plan},
            "Selection": {"Type": "AWS::Backup::RestoreTestingSelection", "Properties": selection},
        },
    )
    backup = emulator.client("backup")
    found = backup.get_restore_testing_plan(RestoreTestingPlanName="tested")["RestoreTestingPlan"]
    assert found["RestoreTestingPlanArn"].startswith(
        "arn:aws:backup:us-east-1:000000000000:restore-testing-plan:tested-"
    )
    assert (found["ScheduleExpression"], found["RecoveryPointSelection"]) == (plan["ScheduleExpression"], vaults)
    of_plan = {"RestoreTestingPlanName": "tested", "RestoreTestingSelectionName": "database"}
    assert found["RestoreTestingPlanName"] in {
        one["RestoreTestingPlanName"] for one in backup.list_restore_testing_plans()["RestoreTestingPlans"]
    }
    selected = backup.get_restore_testing_selection(**of_plan)["RestoreTestingSelection"]
    assert selected["RestoreMetadataOverrides"] == {"dbInstanceClass": "db.t4g.micro"}
    emulator.delete("tested")
    for call, names in (
        (backup.get_restore_testing_plan, {"RestoreTestingPlanName": "tested"}),
        (backup.get_restore_testing_selection, of_plan),
    ):
        with pytest.raises(backup.exceptions.ResourceNotFoundException):
            call(**names)


def test_name_of_a_restore_testing_plan_with_a_hyphen_is_refused(emulator: Emulator) -> None:
    plan = {
        "RestoreTestingPlanName": "with-hyphen",
        "ScheduleExpression": "cron(0 13 2 * ? *)",
        "RecoveryPointSelection": {
            "Algorithm": "LATEST_WITHIN_WINDOW",
            "IncludeVaults": ["*"],
            "RecoveryPointTypes": [],
        },
    }
    with pytest.raises(WaiterError):
        emulator.deploy("hyphen", {"Plan": {"Type": "AWS::Backup::RestoreTestingPlan", "Properties": plan}})
    emulator.delete("hyphen")
