"""A stack does not take over what has the name of one of its resources."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.integration.emulator_process import Emulator

NAME = "taken-by-hand"
ALARM = {
    "AlarmName": NAME,
    "Namespace": "N",
    "MetricName": "M",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}
# Type: its properties, the client, and the call that takes the name.
TAKEN: dict[str, tuple[dict[str, Any], str, Callable[[Any], Any]]] = {
    "AWS::Logs::LogGroup": ({"LogGroupName": NAME}, "logs", lambda c: c.create_log_group(logGroupName=NAME)),
    "AWS::SecretsManager::Secret": (
        {"Name": NAME},
        "secretsmanager",
        lambda c: (c.create_secret(Name=NAME, SecretString="{}"), c.delete_secret(SecretId=NAME)),
    ),
    "AWS::Backup::BackupVault": (
        {"BackupVaultName": NAME},
        "backup",
        lambda c: c.create_backup_vault(BackupVaultName=NAME),
    ),
    "AWS::SNS::Topic": ({"TopicName": NAME}, "sns", lambda c: c.create_topic(Name=NAME)),
    "AWS::SQS::Queue": ({"QueueName": NAME}, "sqs", lambda c: c.create_queue(QueueName=NAME)),
    "AWS::ECR::Repository": ({"RepositoryName": NAME}, "ecr", lambda c: c.create_repository(repositoryName=NAME)),
    "AWS::ECS::Cluster": ({"ClusterName": NAME}, "ecs", lambda c: c.create_cluster(clusterName=NAME)),
    "AWS::CloudWatch::Alarm": (
        ALARM,
        "cloudwatch",
        lambda c: c.put_metric_alarm(**ALARM),
    ),
    "AWS::CloudWatch::Dashboard": (
        {"DashboardName": NAME, "DashboardBody": "{}"},
        "cloudwatch",
        lambda c: c.put_dashboard(DashboardName=NAME, DashboardBody="{}"),
    ),
    "AWS::Events::Rule": (
        {"Name": NAME, "EventPattern": {"source": ["a"]}},
        "events",
        lambda c: c.put_rule(Name=NAME, EventPattern='{"source": ["a"]}'),
    ),
    "AWS::SSM::Parameter": (
        {"Name": NAME, "Type": "String", "Value": "a"},
        "ssm",
        lambda c: c.put_parameter(Name=NAME, Type="String", Value="a"),
    ),
    "AWS::Scheduler::ScheduleGroup": ({"Name": NAME}, "scheduler", lambda c: c.create_schedule_group(Name=NAME)),
    "AWS::KMS::Alias": (
        {"AliasName": f"alias/{NAME}", "TargetKeyId": "a-key"},
        "kms",
        lambda c: c.create_alias(AliasName=f"alias/{NAME}", TargetKeyId=c.create_key()["KeyMetadata"]["KeyId"]),
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        {"Name": NAME},
        "elbv2",
        lambda c: c.create_load_balancer(Name=NAME, Subnets=["subnet-1", "subnet-2"]),
    ),
}


@pytest.mark.parametrize("type_", TAKEN)
def test_name_that_exists_is_refused(emulator: Emulator, type_: str) -> None:
    properties, service, take = TAKEN[type_]
    take(emulator.client(service))
    stack = f"taken-{type_.replace(':', '')}"
    with pytest.raises(WaiterError) as error:
        emulator.deploy(stack, {"Taken": {"Type": type_, "Properties": properties}})
    assert any(f"Resource of type '{type_}'" in note and "already exists" in note for note in error.value.__notes__)
    emulator.delete(stack)
