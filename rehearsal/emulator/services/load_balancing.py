"""Load balancing: the full name of a target group, and a service's tasks as its targets."""

from typing import Any

from ministack.core.responses import get_region
from ministack.services import alb, ecs

from rehearsal.emulator.services.ecs_task_addresses import address_of, attach

_gone: set[tuple[str, str]] = set()  # target group and id of each target that was deregistered


def register(addresses: dict[str, list[str]]) -> None:
    """Name target groups as AWS does, in the metrics' dimension, too; MiniStack leaves "targetgroup/" out.

    Source: CloudFormation, AWS::ElasticLoadBalancingV2::TargetGroup, TargetGroupFullName. A running task of a service
    is a healthy target of its groups, unless it was deregistered.

    Args:
        addresses: of the tasks' stand-ins, by region.
    """
    describe, deregister = alb._ACTION_MAP["DescribeTargetHealth"], alb._ACTION_MAP["DeregisterTargets"]

    def describe_with_tasks(parameters: Any) -> Any:
        attach(ecs._tasks, addresses.get(get_region()) or addresses.get("", []))
        group = alb._p(parameters, "TargetGroupArn")
        alb._targets[group] = healthy_targets(group)
        return describe(parameters)

    def deregister_task(parameters: Any) -> Any:
        group = alb._p(parameters, "TargetGroupArn")
        _gone.update((group, one["Id"]) for one in alb._parse_targets_param(parameters))
        return deregister(parameters)

    def register_again(parameters: Any) -> Any:
        group = alb._p(parameters, "TargetGroupArn")
        _gone.difference_update((group, one["Id"]) for one in alb._parse_targets_param(parameters))
        return again(parameters)

    again = alb._ACTION_MAP["RegisterTargets"]
    alb._ACTION_MAP |= {
        "DescribeTargetHealth": describe_with_tasks,
        "DeregisterTargets": deregister_task,
        "RegisterTargets": register_again,
    }
    alb._target_group_full_name_from_arn = lambda arn: arn.rpartition(":")[2]


def has_healthy_targets(balancer: str) -> bool:
    """Whether a load balancer, given by its ARN, has a healthy target in one of the groups that it forwards to."""
    listeners = {arn: one for arn, one in alb._listeners.items() if one["LoadBalancerArn"] == balancer}
    rules = [one for one in alb._rules.values() if one["ListenerArn"] in listeners]
    actions = [
        *(action for one in listeners.values() for action in one["DefaultActions"]),
        *(action for one in rules for action in one["Actions"]),
    ]
    return any(healthy_targets(action["TargetGroupArn"]) for action in actions if "TargetGroupArn" in action)


def healthy_targets(group: str) -> list[dict[str, Any]]:
    """The targets of a group that were not deregistered."""
    return [one for one in targets(group) if (group, one["Id"]) not in _gone]


def targets(group: str) -> list[dict[str, Any]]:
    """Addresses and ports of the running tasks whose service has the target group."""
    return [
        {"Id": address_of(task) or task["taskArn"].rpartition("/")[2], "Port": joined["containerPort"]}
        for service in ecs._services.values()
        for joined in service.get("loadBalancers", ())
        if joined.get("targetGroupArn") == group
        for task in ecs._tasks.values()
        if task["group"] == f"service:{service['serviceName']}" and task["lastStatus"] == "RUNNING"
    ]
