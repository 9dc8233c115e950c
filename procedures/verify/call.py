"""A call of AWS, and those that every function makes."""

from dataclasses import dataclass, replace

from procedures.verify.arns import Arns


@dataclass(frozen=True)
class Call:
    """One action on one resource.

    Attributes:
        action: as in a policy, e.g. "ecs:DescribeTasks".
        resource: ARN, or "*" for an action that has none.
        context: condition keys that the request has, each with its value.
        is_allowed: what IAM must answer.
    """

    action: str
    resource: str = "*"
    context: tuple[tuple[str, str], ...] = ()
    is_allowed: bool = True


# What Lambda itself calls for a function in the VPC; the function's own code may not.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice
NETWORK_INTERFACES = (
    *("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"),
)


def on(resource: str, *actions: str) -> tuple[Call, ...]:
    """Calls of several actions on one resource."""
    return tuple(Call(action, resource) for action in actions)


def of_function(arns: Arns, name: str, log_group: str, *, is_in_vpc: bool) -> tuple[Call, ...]:
    """What Lambda calls for every function."""
    interfaces = on("*", *NETWORK_INTERFACES) if is_in_vpc else ()
    own = (("lambda:SourceFunctionArn", arns.function(name)),)
    denied = tuple(replace(one, context=own, is_allowed=False) for one in interfaces)
    return (*on(arns.stream(log_group), "logs:CreateLogStream", "logs:PutLogEvents"), *interfaces, *denied)
