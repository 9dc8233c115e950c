"""Tests of restoring: what AWS Backup restores, where to, who reaches it, and who is told of the result."""

import json
import re
from typing import Any

from aws_limits import DATABASE_SIZES
from constructs.recovery.backup_plan import MONTHLY_DAYS
from constructs.recovery.restore_testing_plan import RESTORED_CLASS
from ops_lambdas.restore_test.settings import Settings
from ops_lambdas.restore_test.watch import MAX_DAYS, VALIDATION_HOURS
from ops_lambdas.shared.settings import from_environment
from tests.infra.conftest import Deployment

PLAN, SELECTION = "AWS::Backup::RestoreTestingPlan", "AWS::Backup::RestoreTestingSelection"
RULE, INVOKE = "AWS::Events::Rule", "AWS::Lambda::EventInvokeConfig"


def function(deployment: Deployment, name: str) -> tuple[str, dict[str, Any]]:
    (found,) = (
        (id_.rpartition("/")[2], one["Properties"])
        for id_, one in deployment.resources("AWS::Lambda::Function")
        if one["Properties"].get("FunctionName") == name
    )
    return found


def group(deployment: Deployment, prefix: str) -> str:
    (id_,) = (
        id_.rpartition("/")[2]
        for id_, _ in deployment.resources("AWS::EC2::SecurityGroup")
        if re.fullmatch(rf"Network{prefix}[0-9A-F]{{8}}", id_.rpartition("/")[2])
    )
    return id_


def group_of(deployment: Deployment, id_: dict[str, Any]) -> str:
    """Logical id of the group that a value refers to, in its own stack or another."""
    own = id_ if "Fn::GetAtt" in id_ else deployment.referred(id_)
    logical_id: str = own["Fn::GetAtt"][0]
    return logical_id


def test_only_where_backups_are_copied(deployment: Deployment) -> None:
    is_there = deployment.environment.copies_backups
    for type_ in (PLAN, SELECTION):
        assert bool(deployment.properties(type_)) is is_there
    names = {one.get("FunctionName") for one in deployment.properties("AWS::Lambda::Function")}
    ours = {deployment.environment.names.backup_record, deployment.environment.names.restore_test}
    assert ours & names == (ours if is_there else set())


def test_the_latest_backup_is_restored_each_month_from_our_vault(production: Deployment) -> None:
    (plan,) = production.properties(PLAN)
    assert plan["ScheduleExpression"] == "cron(0 13 2 * ? *)"
    chosen = plan["RecoveryPointSelection"]
    (vault,) = chosen["IncludeVaults"]
    assert vault.endswith(f":backup-vault:{production.environment.names.backup_vault}")
    assert (chosen["Algorithm"], chosen["RecoveryPointTypes"]) == ("LATEST_WITHIN_WINDOW", ["SNAPSHOT"])
    assert re.fullmatch(r"[A-Za-z0-9_]{1,50}", plan["RestoreTestingPlanName"])
    assert MAX_DAYS > 31, "the longest month must not count as overdue"


def test_what_is_restored_is_small_private_and_deleted(production: Deployment) -> None:
    (selection,) = production.properties(SELECTION)
    assert selection["ProtectedResourceType"] == "RDS"
    assert selection["ValidationWindowHours"] == VALIDATION_HOURS
    overrides = selection["RestoreMetadataOverrides"]
    assert overrides["dbInstanceClass"] == RESTORED_CLASS
    assert RESTORED_CLASS not in DATABASE_SIZES, "smaller than what production may have"
    assert (overrides["multiAz"], overrides["publiclyAccessible"]) == ("false", "false")
    # AWS Backup takes a list as JSON in a string.
    groups = overrides["vpcSecurityGroupIds"]["Fn::Join"][1]
    assert (groups[0], groups[2]) == ('["', '"]')
    assert group_of(production, groups[1]) == group(production, "Restored")
    (subnets,) = (
        one
        for one in production.properties("AWS::RDS::DBSubnetGroup")
        if one.get("DBSubnetGroupName") == production.environment.names.restore_test
    )
    ids = {production.referred(one)["Ref"] for one in subnets["SubnetIds"]}
    assert len(ids) == 2
    assert all("DatabaseSubnet" in id_ for id_ in ids)


def test_only_the_validator_reaches_what_is_restored(production: Deployment) -> None:
    restored, validator = group(production, "Restored"), group(production, "RestoreTest")
    rules = [
        (group_of(production, one["GroupId"]), one) for one in production.properties("AWS::EC2::SecurityGroupIngress")
    ]
    (ingress,) = (one for owner, one in rules if owner == restored)
    assert group_of(production, ingress["SourceSecurityGroupId"]) == validator
    assert (ingress["FromPort"], ingress["ToPort"]) == (5432, 5432)
    reached = {
        group_of(production, one["DestinationSecurityGroupId"])
        for one in production.properties("AWS::EC2::SecurityGroupEgress")
        if group_of(production, one["GroupId"]) == validator
    }
    assert reached == {restored}, "not the primary: a wrong address compares nothing"
    _, properties = function(production, production.environment.names.restore_test)
    (used,) = properties["VpcConfig"]["SecurityGroupIds"]
    assert group_of(production, used) == validator


def test_the_validator_is_called_when_a_restore_of_the_plan_has_ended_and_each_day(production: Deployment) -> None:
    id_, properties = function(production, production.environment.names.restore_test)
    rules = [one for one in production.properties(RULE) if one["Targets"][0]["Arn"] == {"Fn::GetAtt": [id_, "Arn"]}]
    (ended,) = (one for one in rules if "EventPattern" in one)
    (daily,) = (one for one in rules if "ScheduleExpression" in one)
    assert (daily["ScheduleExpression"], daily["Targets"][0]["Input"]) == ("rate(1 day)", "{}")
    assert ended["EventPattern"]["source"] == ["aws.backup"]
    assert ended["EventPattern"]["detail-type"] == ["Restore Job State Change"]
    detail = ended["EventPattern"]["detail"]
    assert set(detail["status"]) == {"COMPLETED", "FAILED", "ABORTED"}
    ((plan, made),) = production.resources(PLAN)
    arn = {"Fn::GetAtt": [plan.rpartition("/")[2], "RestoreTestingPlanArn"]}
    assert properties["Environment"]["Variables"]["PLAN_ARN"] == arn
    place, name = f"us-east-1:{production.environment.account}", made["Properties"]["RestoreTestingPlanName"]
    assert detail["restoreTestingPlanArn"] == [{"prefix": f"arn:aws:backup:{place}:restore-testing-plan:{name}-"}]


def test_the_hourly_record_is_kept_as_long_as_the_backups(production: Deployment) -> None:
    id_, _ = function(production, production.environment.names.backup_record)
    (rule,) = (one for one in production.properties(RULE) if one["Targets"][0]["Arn"] == {"Fn::GetAtt": [id_, "Arn"]})
    assert rule["ScheduleExpression"] == "rate(1 hour)"
    (expiry,) = (
        one
        for bucket in production.properties("AWS::S3::Bucket")
        for one in bucket["LifecycleConfiguration"]["Rules"]
        if one.get("Prefix") == "backup-records/"
    )
    assert expiry["ExpirationInDays"] >= MONTHLY_DAYS


def test_a_run_that_fails_for_good_is_emailed(production: Deployment) -> None:
    names, topics = production.environment.names, set()
    for name in (names.backup_record, names.restore_test):
        id_, _ = function(production, name)
        (config,) = (one for one in production.properties(INVOKE) if one["FunctionName"] == {"Ref": id_})
        assert (config["MaximumRetryAttempts"], config["Qualifier"]) == (2, "$LATEST")
        topics.add(json.dumps(production.referred(config["DestinationConfig"]["OnFailure"]["Destination"])))
    ((topic, _),) = production.resources("AWS::SNS::Topic")
    assert topics == {json.dumps({"Ref": topic.rpartition("/")[2]})}


def test_the_settings_are_those_that_the_function_takes(production: Deployment) -> None:
    _, properties = function(production, production.environment.names.restore_test)
    variables = properties["Environment"]["Variables"]
    place = f"us-east-1:{production.environment.account}"
    samples = {
        "DATABASE_ARN": f"arn:aws:rds:{place}:db:{production.environment.names.database}",
        "PLAN_ARN": f"arn:aws:backup:{place}:restore-testing-plan:{variables['PLAN_NAME']}-0b1c",
        "RECORD_BUCKET": "sample-bucket",
        "TOPIC_ARN": f"arn:aws:sns:{place}:{production.environment.names.alarm_topic}",
    }
    given = {name: value if isinstance(value, str) else samples[name] for name, value in variables.items()}
    assert from_environment(Settings, given).plan_name == production.environment.names.restore_testing_plan
