"""Find what a destroyed region has left behind, in the services themselves rather than in CloudFormation."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jmespath  # type: ignore[import-untyped]

from config import REHEARSAL
from rehearsal.report.facts import Step
from rehearsal.run import NAMES, Run

# Service, operation, and where names are in its answer.
LISTS = (
    ("backup", "list_backup_vaults", "BackupVaultList[].BackupVaultName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName"),
    ("ec2", "describe_vpcs", "Vpcs[].Tags[?Key=='Name'].Value[]"),
    ("ecr", "describe_repositories", "repositories[].repositoryName"),
    ("ecs", "list_clusters", "clusterArns"),
    ("elbv2", "describe_load_balancers", "LoadBalancers[].LoadBalancerName"),
    ("events", "list_rules", "Rules[].Name"),
    ("iam", "list_roles", "Roles[].RoleName"),
    ("kms", "list_aliases", "Aliases[].AliasName"),
    ("lambda", "list_functions", "Functions[].FunctionName"),
    ("logs", "describe_log_groups", "logGroups[].logGroupName"),
    ("rds", "describe_db_instances", "DBInstances[].DBInstanceIdentifier"),
    ("s3", "list_buckets", "Buckets[].Name"),
    ("scheduler", "list_schedule_groups", "ScheduleGroups[].Name"),
    ("secretsmanager", "list_secrets", "SecretList[].Name"),
    ("sns", "list_topics", "Topics[].TopicArn"),
    ("sqs", "list_queues", "QueueUrls"),
)


def expect_none(run: Run, retained: set[str], step: Step) -> None:
    """Check that nothing is left of all regions but what is retained on purpose.

    For all regions at once, because roles and buckets are listed regardless of region.
    """
    regions = dict.fromkeys([*(one.name for one in run.regions), REHEARSAL.recovery_region])
    looks: list[Callable[[], set[str]]] = [partial(_names, run, region, *one) for region in regions for one in LISTS]
    looks += [partial(_keys, run, region) for region in regions]
    left = set().union(*run.parallel(*looks))
    step.detail = f"{len(retained)} resources retained on purpose"
    seen = ", ".join(sorted(left)) or "nothing"
    name = "what is left is what is retained on purpose"
    run.report.expect(left == retained, run.regions[0].name, name, seen)


def retained(run: Run, region: str, assembly: Path) -> set[str]:
    """Return the physical ids of the deployed resources that the assembly's templates keep when a stack is deleted."""
    formation = run.client("cloudformation", region)
    kept = set()
    for file in assembly.glob("*.template.json"):
        stack, template = file.name.removesuffix(".template.json"), json.loads(file.read_text())
        policies = {name: one.get("DeletionPolicy", "Delete") for name, one in template["Resources"].items()}
        for resource in formation.describe_stack_resources(StackName=stack)["StackResources"]:
            if policies[resource["LogicalResourceId"]].startswith("Retain"):
                kept.add(resource["PhysicalResourceId"])
    return kept


def _names(run: Run, region: str, service: str, operation: str, expression: str) -> set[str]:
    return names_of(run.client(service, region), operation, expression, NAMES.prefix)


def names_of(client: Any, operation: str, expression: str, prefix: str) -> set[str]:
    """The names with that prefix in what a list of LISTS answers."""
    if client.can_paginate(operation):
        answers: list[Any] = list(client.get_paginator(operation).paginate())
    else:
        answers = [getattr(client, operation)()]
    names = [name for answer in answers for name in jmespath.search(expression, answer) or []]
    return {name for name in names if prefix in name}


def _keys(run: Run, region: str) -> set[str]:
    """Keys have no names: the ids of all that are in use."""
    kms = run.client("kms", region)
    ids = [key["KeyId"] for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]]
    described = [kms.describe_key(KeyId=id_)["KeyMetadata"] for id_ in ids]
    return {one["KeyId"] for one in described if one["KeyManager"] == "CUSTOMER" and one["KeyState"] == "Enabled"}
