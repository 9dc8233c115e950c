"""Environments that share an account and a region do not meet each other's names."""

from collections import Counter

from config import ENVIRONMENTS
from tests.infra.conftest import Deployment

# By type, the property with the physical name; the other types of ours have no name that must be unique.
NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::CompositeAlarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::TaskDefinition": "Family",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::ScheduleGroup": "Name",
    "AWS::SecretsManager::Secret": "Name",
}
# Where metrics of several environments meet in one namespace.
METRICS = "AWS::Logs::MetricFilter"


def names(deployment: Deployment) -> set[tuple[str, str]]:
    found = {
        (type_, str(properties[name]))
        for type_, name in NAMES.items()
        for properties in deployment.properties(type_)
        if name in properties
    }
    return found | {
        (METRICS, transformation["MetricName"])
        for properties in deployment.properties(METRICS)
        for transformation in properties["MetricTransformations"]
    }


def test_no_two_environments_share_a_name(deployments: dict[tuple[str, str], Deployment]) -> None:
    side_by_side = [deployments[name, environment.home_region] for name, environment in ENVIRONMENTS.items()]
    counts = Counter(name for deployment in side_by_side for name in names(deployment))
    assert not [name for name, count in counts.items() if count > 1]


def test_every_fixed_name_has_the_environments_prefix(deployment: Deployment) -> None:
    """Else a type with a name is missing here, or two environments share one after all."""
    for type_, name in names(deployment):
        prefix = deployment.environment.name if type_ == METRICS else deployment.environment.prefix
        assert prefix in name, f"{type_} {name}"
