"""Names that exist: MiniStack takes over what has the name of a new resource; CloudFormation refuses, and so does this.

https://repost.aws/knowledge-center/cloudformation-stack-resource-exists
"""

from collections.abc import Mapping
from typing import Any

from ministack.services import (
    alb,
    backup,
    cloudwatch,
    cloudwatch_logs,
    ecr,
    ecs,
    eventbridge,
    kms,
    lambda_svc,
    rds,
    scheduler,
    secretsmanager,
    sns,
    sqs,
    ssm,
    stepfunctions,
)
from ministack.services.cloudformation import _stacks, stacks

from rehearsal.emulator.services import restore_testing

# Type: the property that names it, and where its service has what exists, by a name, an ARN or a path.
NAMED: dict[str, tuple[str, Mapping[str, Any]]] = {
    "AWS::Backup::BackupVault": ("BackupVaultName", backup._vaults),
    "AWS::Backup::RestoreTestingPlan": ("RestoreTestingPlanName", restore_testing._plans),
    "AWS::CloudWatch::Alarm": ("AlarmName", cloudwatch._alarms),
    "AWS::CloudWatch::CompositeAlarm": ("AlarmName", cloudwatch._composite_alarms),
    "AWS::CloudWatch::Dashboard": ("DashboardName", cloudwatch._dashboards),
    "AWS::ECR::Repository": ("RepositoryName", ecr._repositories),
    "AWS::ECS::Cluster": ("ClusterName", ecs._clusters),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Name", alb._lbs),
    "AWS::Events::Rule": ("Name", eventbridge._rules),
    "AWS::KMS::Alias": ("AliasName", kms._aliases),
    "AWS::Lambda::Function": ("FunctionName", lambda_svc._functions),
    "AWS::Logs::LogGroup": ("LogGroupName", cloudwatch_logs._log_groups),
    "AWS::RDS::DBInstance": ("DBInstanceIdentifier", rds._instances),
    "AWS::RDS::DBSubnetGroup": ("DBSubnetGroupName", rds._subnet_groups),
    "AWS::SNS::Topic": ("TopicName", sns._topics),
    "AWS::SQS::Queue": ("QueueName", sqs._queue_name_to_url),
    "AWS::SSM::Parameter": ("Name", ssm._parameters),
    "AWS::Scheduler::ScheduleGroup": ("Name", scheduler._schedule_groups),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", stepfunctions._state_machines),
    # Also one that is scheduled for deletion.
    "AWS::SecretsManager::Secret": ("Name", secretsmanager._secrets),
}


def register() -> None:
    """Fail the creation of a resource whose name exists, unless the stack has it already."""
    provision = stacks._provision_resource

    def provision_new(type_name: str, logical_id: str, props: dict[str, Any], stack: str) -> Any:
        property_, existing = NAMED.get(type_name, ("", {}))
        name = props.get(property_)
        is_new = logical_id not in _stacks.get(stack, {}).get("_resources", {})
        if name and is_new and any(is_named(key, name) for key in existing):
            raise ValueError(f"Resource of type '{type_name}' with identifier '{name}' already exists.")
        return provision(type_name, logical_id, props, stack)

    stacks._provision_resource = provision_new


def is_named(key: str, name: str) -> bool:
    """Whether the key of a service's record, e.g. an ARN, is of that name."""
    ends = tuple(f"{separator}{name}" for separator in ":|")
    return key == name or key.endswith(ends) or f":loadbalancer/app/{name}/" in key
