"""What a region in standby has of the application: what costs nothing by the hour and must be there beforehand."""

from collections.abc import Iterable, Mapping
from typing import cast

from aws_cdk import CfnElement, CfnResource, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sqs as sqs

from constructs import Construct
from constructs.common.acknowledge import acknowledge

# Roles, buckets, DNS records and certificates have their control planes in one region, whose loss keeps one from making
# them anywhere. Keys, vaults and repositories receive copies meanwhile; a confirmed subscriber stays one.
# https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html
_KEPT = (
    "AWS::IAM::",
    "AWS::S3::",
    "AWS::KMS::",
    "AWS::CertificateManager::",
    "AWS::ECR::",
    "AWS::Backup::BackupVault",
    "AWS::Logs::LogGroup",
    "AWS::SNS::",
    "AWS::SQS::Queue",
    "AWS::SSM::",
    "AWS::EC2::",  # a VPC with its groups is free
    "AWS::ECS::Cluster",
    "AWS::RDS::DBParameterGroup",
    "AWS::RDS::DBSubnetGroup",
)
_LOAD_BALANCER = ("AWS::ElasticLoadBalancingV2::", "AWS::Route53::")
_LEFT_OUT = frozenset(
    {
        *("AWS::EC2::NatGateway", "AWS::EC2::EIP"),
        "AWS::SQS::QueuePolicy",  # for the rules that are not there
    }
)


def leave_standby(stacks: Iterable[Stack], *, has_load_balancer: bool, kept_in: Mapping[str, str]) -> None:
    """Take out of finished `stacks` everything that a region in standby does not have.

    What stays refers to nothing that goes: `test_standby.py` holds it to that.

    Args:
        has_load_balancer: the load balancer and the site's record stay, so that the name can move by itself.
        kept_in: a type that stays in one stack, by the stack's name.
    """
    kept = (*_KEPT, *(_LOAD_BALANCER if has_load_balancer else ()))
    for stack in stacks:
        kept_here = (*kept, *(type_ for name, type_ in kept_in.items() if name == stack.stack_name))
        exports = stack.node.try_find_child("Exports")
        for construct in stack.node.find_all():
            if not CfnElement.is_cfn_element(construct):
                continue
            scope = cast(Construct, construct.node.scope)
            if CfnResource.is_cfn_resource(construct):
                stays = _stays(cast(CfnResource, construct), kept_here)
            else:
                stays = scope is exports  # the other outputs, and conditions and parameters, are of what goes
            if not stays:
                scope.node.try_remove_child(construct.node.id)
            elif isinstance(construct, sqs.CfnQueue):
                acknowledge(construct, "Nothing sends to it; its policy is for what does", "SQS4")


def _stays(resource: CfnResource, kept: tuple[str, ...]) -> bool:
    if isinstance(resource, ec2.CfnRoute):
        return resource.nat_gateway_id is None
    type_ = resource.cfn_resource_type
    return type_.startswith(kept) and type_ not in _LEFT_OUT
