"""Physical names that exist and belong to no stack of the environment: CloudFormation refuses to create them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from procedures.findings import Finding, State
from procedures.preflight.deployment import Deployment

_SHOWN = 5
MEND = "Deploy to another region or account beside it (docs/cut-over.md), or delete what has the name"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """How to list what exists of a type.

    Attributes:
        property_: of the template's resource, its name.
        path: of the names in the pages, in JMESPath.
        prefix: the request's parameter that names begin with, where there is one.
        separator: what precedes the name in an ARN or a URL.
    """

    property_: str
    service: str
    operation: str
    path: str
    prefix: str | None = None
    separator: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)


LISTINGS = {
    "AWS::Backup::BackupVault": Listing(
        property_="BackupVaultName",
        service="backup",
        operation="list_backup_vaults",
        path="BackupVaultList[].BackupVaultName",
    ),
    "AWS::Backup::RestoreTestingPlan": Listing(
        property_="RestoreTestingPlanName",
        service="backup",
        operation="list_restore_testing_plans",
        path="RestoreTestingPlans[].RestoreTestingPlanName",
    ),
    "AWS::CloudWatch::Alarm": Listing(
        property_="AlarmName",
        service="cloudwatch",
        operation="describe_alarms",
        path="MetricAlarms[].AlarmName",
        prefix="AlarmNamePrefix",
        request={"AlarmTypes": ["MetricAlarm"]},
    ),
    "AWS::CloudWatch::CompositeAlarm": Listing(
        property_="AlarmName",
        service="cloudwatch",
        operation="describe_alarms",
        path="CompositeAlarms[].AlarmName",
        prefix="AlarmNamePrefix",
        request={"AlarmTypes": ["CompositeAlarm"]},
    ),
    "AWS::CloudWatch::Dashboard": Listing(
        property_="DashboardName",
        service="cloudwatch",
        operation="list_dashboards",
        path="DashboardEntries[].DashboardName",
        prefix="DashboardNamePrefix",
    ),
    "AWS::ECR::Repository": Listing(
        property_="RepositoryName",
        service="ecr",
        operation="describe_repositories",
        path="repositories[].repositoryName",
    ),
    "AWS::ECS::Cluster": Listing(
        property_="ClusterName", service="ecs", operation="list_clusters", path="clusterArns[]", separator="/"
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Listing(
        property_="Name",
        service="elbv2",
        operation="describe_load_balancers",
        path="LoadBalancers[].LoadBalancerName",
    ),
    "AWS::Events::Rule": Listing(
        property_="Name", service="events", operation="list_rules", path="Rules[].Name", prefix="NamePrefix"
    ),
    "AWS::KMS::Alias": Listing(
        property_="AliasName", service="kms", operation="list_aliases", path="Aliases[].AliasName"
    ),
    "AWS::Lambda::Function": Listing(
        property_="FunctionName", service="lambda", operation="list_functions", path="Functions[].FunctionName"
    ),
    "AWS::Logs::LogGroup": Listing(
        property_="LogGroupName", service="logs", operation="describe_log_groups", path="logGroups[].logGroupName"
    ),
    "AWS::RDS::DBInstance": Listing(
        property_="DBInstanceIdentifier",
        service="rds",
        operation="describe_db_instances",
        path="DBInstances[].DBInstanceIdentifier",
    ),
    "AWS::RDS::DBSubnetGroup": Listing(
        property_="DBSubnetGroupName",
        service="rds",
        operation="describe_db_subnet_groups",
        path="DBSubnetGroups[].DBSubnetGroupName",
    ),
    "AWS::SNS::Topic": Listing(
        property_="TopicName", service="sns", operation="list_topics", path="Topics[].TopicArn", separator=":"
    ),
    "AWS::SQS::Queue": Listing(
        property_="QueueName",
        service="sqs",
        operation="list_queues",
        path="QueueUrls[]",
        prefix="QueueNamePrefix",
        separator="/",
    ),
    "AWS::SSM::Parameter": Listing(
        property_="Name", service="ssm", operation="describe_parameters", path="Parameters[].Name"
    ),
    "AWS::Scheduler::ScheduleGroup": Listing(
        property_="Name",
        service="scheduler",
        operation="list_schedule_groups",
        path="ScheduleGroups[].Name",
        prefix="NamePrefix",
    ),
    # Secrets Manager keeps a deleted secret's name until its recovery window ends.
    "AWS::SecretsManager::Secret": Listing(
        property_="Name",
        service="secretsmanager",
        operation="list_secrets",
        path="SecretList[].Name",
        request={"IncludePlannedDeletion": True},
    ),
    "AWS::StepFunctions::StateMachine": Listing(
        property_="StateMachineName",
        service="stepfunctions",
        operation="list_state_machines",
        path="stateMachines[].name",
    ),
}
# Their names are unique in something that the environment creates, or are a new revision's.
NESTED = {
    "AWS::ApplicationAutoScaling::ScalingPolicy",  # in the ECS service
    "AWS::Backup::RestoreTestingSelection",  # in the plan
    "AWS::ECS::Service",  # in the cluster
    "AWS::ECS::TaskDefinition",  # a further revision of the family
    "AWS::IAM::Policy",  # in the role
    "AWS::Scheduler::Schedule",  # in the schedule group
}


def existing(aws: Deployment, type_: str) -> Iterator[Finding]:
    """The names of a type that the templates fix and that something else has."""
    listing = LISTINGS[type_]
    wanted = {
        properties[listing.property_]
        for stack, logical_id, properties in aws.resources(type_)
        if isinstance(properties.get(listing.property_), str) and logical_id not in aws.own[stack]
    }
    there = wanted and wanted & _listed(aws, listing)
    kind = type_.removeprefix("AWS::").replace("::", " ")
    if there:
        shown = ", ".join(sorted(there)[:_SHOWN])
        more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
        found = f"in use by another system: {shown}{more}"
        yield Finding(area="names", subject=kind, state=State.FAILS, found=found, mend=MEND)
    else:
        found = f"{len(wanted)} free" if wanted else "all are ours"
        yield Finding(area="names", subject=kind, state=State.HOLDS, found=found)


def _listed(aws: Deployment, listing: Listing) -> set[str]:
    client = aws.client(listing.service)
    request = dict(listing.request)
    if listing.prefix:
        request[listing.prefix] = aws.environment.prefix
    names = client.get_paginator(listing.operation).paginate(**request).search(listing.path)
    return {name.rpartition(listing.separator)[2] if listing.separator else name for name in names if name}
