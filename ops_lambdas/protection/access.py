"""AWS calls of protection: each thing that is protected can be read, and switched."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from ops_lambdas.protection import core
from ops_lambdas.protection.settings import Settings

_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
_DELETION_PROTECTION = "deletion_protection.enabled"


@dataclass(frozen=True)
class TerminationProtection:
    """Of a stack. Needs `cloudformation:UpdateTerminationProtection`."""

    stack: core.Stack
    cloudformation: Any

    @property
    def name(self) -> str:
        """For the result."""
        return f"termination protection of stack {self.stack.name}"

    def is_switched(self, *, on: bool) -> bool:
        """Whether it is as wanted."""
        return self.stack.is_protected is on

    def switch(self, *, on: bool) -> None:
        """Protect it, or not."""
        self.cloudformation.update_termination_protection(StackName=self.stack.name, EnableTerminationProtection=on)


@dataclass(frozen=True)
class StackPolicy:
    """Of the data stack. Needs `cloudformation:GetStackPolicy` and `cloudformation:SetStackPolicy`."""

    stack: str
    kept: tuple[str, ...]
    cloudformation: Any

    @property
    def name(self) -> str:
        """For the result."""
        return f"policy of stack {self.stack}"

    def is_switched(self, *, on: bool) -> bool:
        """Whether it is as wanted."""
        body = self.cloudformation.get_stack_policy(StackName=self.stack).get("StackPolicyBody")
        return core.is_policy(body, core.policy(self.kept, is_protected=on))

    def switch(self, *, on: bool) -> None:
        """Keep these resources, or allow every update. A policy cannot be removed."""
        self.cloudformation.set_stack_policy(
            StackName=self.stack, StackPolicyBody=core.policy(self.kept, is_protected=on)
        )


@dataclass(frozen=True)
class InstanceProtection:
    """Deletion protection of a DB instance. Needs `rds:DescribeDBInstances` and `rds:ModifyDBInstance`."""

    identifier: str
    rds: Any

    @property
    def name(self) -> str:
        """For the result."""
        return f"deletion protection of database {self.identifier}"

    def is_switched(self, *, on: bool) -> bool:
        """Whether it is as wanted."""
        found = self.rds.describe_db_instances(DBInstanceIdentifier=self.identifier)["DBInstances"][0]
        return bool(found["DeletionProtection"]) is on

    def switch(self, *, on: bool) -> None:
        """Protect it, or not; takes no restart."""
        self.rds.modify_db_instance(DBInstanceIdentifier=self.identifier, DeletionProtection=on, ApplyImmediately=True)


@dataclass(frozen=True)
class LoadBalancerProtection:
    """Deletion protection of a load balancer.

    Needs `elasticloadbalancing:DescribeLoadBalancers`, `DescribeLoadBalancerAttributes` and
    `ModifyLoadBalancerAttributes`.
    """

    load_balancer: str
    elbv2: Any

    @property
    def name(self) -> str:
        """For the result."""
        return f"deletion protection of load balancer {self.load_balancer}"

    def is_switched(self, *, on: bool) -> bool:
        """Whether it is as wanted."""
        attributes = self.elbv2.describe_load_balancer_attributes(LoadBalancerArn=self._arn())["Attributes"]
        return ({"Key": _DELETION_PROTECTION, "Value": "true"} in attributes) is on

    def switch(self, *, on: bool) -> None:
        """Protect it, or not."""
        attribute = {"Key": _DELETION_PROTECTION, "Value": "true" if on else "false"}
        self.elbv2.modify_load_balancer_attributes(LoadBalancerArn=self._arn(), Attributes=[attribute])

    def _arn(self) -> str:
        found: Mapping[str, Any] = self.elbv2.describe_load_balancers(Names=[self.load_balancer])
        return str(found["LoadBalancers"][0]["LoadBalancerArn"])


Protection = TerminationProtection | StackPolicy | InstanceProtection | LoadBalancerProtection


def stacks(names: tuple[str, ...]) -> tuple[core.Stack, ...]:
    """Describe those of the stacks that exist; needs `cloudformation:DescribeStacks`.

    Raises:
        BotoCoreError, ClientError: CloudFormation could not be queried.
    """
    cloudformation = _client("cloudformation")
    found = []
    for name in names:
        try:
            stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
        else:
            is_protected = stack.get("EnableTerminationProtection", False)
            found.append(core.Stack(name, stack["StackStatus"], is_protected))
    return tuple(found)


def protections(config: Settings, found: tuple[core.Stack, ...]) -> Iterator[Protection]:
    """What is to be protected in the stacks that are settled."""
    cloudformation = _client("cloudformation")
    settled = {stack.name: stack for stack in found if stack.is_settled}
    if config.data_stack in settled:
        yield StackPolicy(config.data_stack, config.kept_resources, cloudformation)
        yield InstanceProtection(config.database_instance, _client("rds"))
    if config.service_stack in settled:
        yield LoadBalancerProtection(config.load_balancer, _client("elbv2"))
    for stack in settled.values():
        yield TerminationProtection(stack, cloudformation)


def _client(service: str) -> Any:
    return boto3.client(service, config=_CONFIG)
