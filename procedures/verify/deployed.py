"""What is deployed, as AWS describes it."""

import re
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from environment import Environment
from procedures.findings import Aws
from procedures.verify.arns import Arns, Chosen

_SECRET = re.compile(r".+:secret:[^/]+/(?P<name>.+)-\w{6}")

Address = Callable[[str, int], tuple[str, int]]


def resolved(name: str, port: int) -> tuple[str, int]:
    """The first IPv4 address that a name has in DNS, and the same port.

    Raises:
        OSError: it has none, or DNS does not answer.
    """
    family, kind = socket.AF_INET, socket.SOCK_STREAM
    return str(socket.getaddrinfo(name, port, family=family, type=kind)[0][4][0]), port


class Deployed(Aws):
    """An environment's stacks and what is in them.

    Args:
        now: when AWS is asked.
        address: where a name's port is answered.
        ca_file: authorities that the site's certificate is verified with; the system's by default.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        now: datetime | None = None,
        address: Address = resolved,
        ca_file: Path | None = None,
    ) -> None:
        super().__init__(environment)
        self.names = environment.names
        self.now = now or datetime.now(UTC)
        self.address, self.ca_file = address, ca_file

    @cached_property
    def stacks(self) -> Mapping[str, Mapping[str, Any]]:
        """`DescribeStacks` of each stack that exists, by its name."""
        found = {}
        for name in self.names.stacks:
            try:
                found[name] = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
            except ClientError as error:
                if "does not exist" not in error.response["Error"]["Message"]:
                    raise
        return found

    @cached_property
    def changed_at(self) -> datetime:
        """When the last deployment of a stack began."""
        times: list[datetime] = [one.get("LastUpdatedTime", one["CreationTime"]) for one in self.stacks.values()]
        return max(times)

    @property
    def topic(self) -> str:
        """ARN of the alarm topic, which is known without asking AWS."""
        return Arns(self.environment, Chosen()).topic

    def compare(self, layer: str) -> str:
        """How to find out why a stack's resource is not as its template has it."""
        drift = self.cli(f"cloudformation detect-stack-drift --stack-name {self.names.stack(layer)}")
        return f"make diff {self.options}; when that finds nothing, somebody has changed it by hand: {drift}"

    def output(self, layer: str, key: str) -> str:
        """An output of a stack; "" when it has none of this name."""
        outputs = self.stacks.get(self.names.stack(layer), {}).get("Outputs", ())
        return next((str(one["OutputValue"]) for one in outputs if one["OutputKey"] == key), "")

    @cached_property
    def _resources(self) -> tuple[tuple[str, str, str], ...]:
        client = self.client("cloudformation")
        return tuple(
            (name, one["ResourceType"], one.get("PhysicalResourceId", ""))
            for name in self.stacks
            for page in client.get_paginator("list_stack_resources").paginate(StackName=name)
            for one in page["StackResourceSummaries"]
        )

    def physical_ids(self, type_: str, layer: str | None = None) -> tuple[str, ...]:
        """Physical ids of the stacks' resources of a type."""
        wanted = self.names.stack(layer) if layer else None
        return tuple(id_ for stack, kind, id_ in self._resources if kind == type_ and wanted in (None, stack))

    @cached_property
    def database(self) -> Mapping[str, Any]:
        """`DescribeDBInstances` of the primary."""
        answer = self.client("rds").describe_db_instances(DBInstanceIdentifier=self.names.database)
        instance: dict[str, Any] = answer["DBInstances"][0]
        return instance

    def task_definition(self, family: str) -> Mapping[str, Any]:
        """`DescribeTaskDefinition` of the one that a stack has in a family; nothing when none has."""
        found = self.physical_ids("AWS::ECS::TaskDefinition")
        arn = next((one for one in found if f"/{family}:" in one), None)
        if arn is None:
            return {}
        definition: dict[str, Any] = self.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
        return definition

    @cached_property
    def arns(self) -> Arns:
        """ARNs of what is deployed."""
        arns = Arns(self.environment, Chosen())
        secrets = {
            found["name"]: arn
            for arn in self.physical_ids("AWS::SecretsManager::Secret")
            if (found := _SECRET.fullmatch(arn))
        }
        keys = {
            layer: arns.of("kms", f"key/{id_}")
            for layer in ("secrets", "logs", "data")
            for id_ in self.physical_ids("AWS::KMS::Key", layer)
        }
        families = (self.names.migration, self.names.dump, self.names.restore_dump)
        one_off = {family: task for family in families if (task := self.task_definition(family))}
        chosen = Chosen(
            database_id=self.database["DbiResourceId"],
            bucket=self.output("data", "ConfigurationBucket"),
            secrets=secrets,
            keys=keys,
            dump_bucket=self.output("data", "DumpBucket"),
            task_definitions={family: task["taskDefinitionArn"] for family, task in one_off.items()},
            task_roles={
                family: tuple(task[key] for key in ("taskRoleArn", "executionRoleArn") if key in task)
                for family, task in one_off.items()
            },
            **self._copies(),
            load_balancer=next(iter(self.physical_ids("AWS::ElasticLoadBalancingV2::LoadBalancer")), ""),
        )
        return Arns(self.environment, chosen)

    def _copies(self) -> dict[str, str]:
        """What the recovery region has for the copies."""
        if not self.environment.copies_backups:
            return {}
        kms, formation = (self.client(name, self.environment.recovery_region) for name in ("kms", "cloudformation"))
        key = kms.describe_key(KeyId=f"alias/{self.names.key_alias('data')}")["KeyMetadata"]["Arn"]
        pages = formation.get_paginator("list_stack_resources").paginate(StackName=self.names.stack("data"))
        buckets = [
            one["PhysicalResourceId"]
            for page in pages
            for one in page["StackResourceSummaries"]
            if one["ResourceType"] == "AWS::S3::Bucket" and one["LogicalResourceId"].startswith("Configuration")
        ]
        return {"recovery_key": key, **({"copies_bucket": buckets[0]} if buckets else {})}
