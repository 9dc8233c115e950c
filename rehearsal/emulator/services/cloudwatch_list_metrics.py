"""ListMetrics with the metrics that AWS's services publish of what exists. MiniStack's services publish few."""

from collections.abc import Iterator
from types import FunctionType
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import alb, cloudwatch, ecs, rds, route53, sqs, stepfunctions

from rehearsal.emulator.documented_metrics import AWS, ONLY_NONZERO

# The only region that has the metrics of health checks.
# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-health-checks.html
HEALTH_CHECKS = "us-east-1"

Key = tuple[str, str, Any]


def register() -> None:
    """Have the list include what AWS publishes of load balancers, services, databases, queues and executions."""
    listed = cloudwatch._list_metrics

    def list_with_published(*arguments: Any) -> Any:
        found: dict[Key, list[dict[str, Any]]] = dict(cloudwatch._metrics.items())
        for namespace, dimensions in resources():
            for names, metrics in AWS[namespace]:
                if names == dimensions.keys():
                    for name in metrics - ONLY_NONZERO:
                        key = (namespace, name, cloudwatch._dims_key(dimensions))
                        found.setdefault(key, [{"Dimensions": dimensions}])
        return FunctionType(listed.__code__, {**vars(cloudwatch), "_metrics": found})(*arguments)

    cloudwatch._list_metrics = list_with_published


def resources() -> Iterator[tuple[str, dict[str, str]]]:
    """Namespace and dimensions of what exists in the account and region of the request."""
    yield from _balancing()
    for service in ecs._services.values():
        if service["runningCount"]:
            dimensions = {
                "ClusterName": service["clusterArn"].rpartition("/")[2],
                "ServiceName": service["serviceName"],
            }
            yield "AWS/ECS", dimensions
    if get_region() == HEALTH_CHECKS:
        for check in route53._health_checks:
            yield "AWS/Route53", {"HealthCheckId": check}
    for identifier in rds._instances:
        yield "AWS/RDS", {"DBInstanceIdentifier": identifier}
    for machine in {one["stateMachineArn"] for one in stepfunctions._executions.values()}:
        yield "AWS/States", {"StateMachineArn": machine}
    for queue in sqs._queues.values():
        yield "AWS/SQS", {"QueueName": queue["name"]}


def _balancing() -> Iterator[tuple[str, dict[str, str]]]:
    prefix = f"arn:aws:elasticloadbalancing:{get_region()}:{get_account_id()}:"
    for arn in alb._lbs:
        yield "AWS/ApplicationELB", {"LoadBalancer": arn.removeprefix(f"{prefix}loadbalancer/")}
    for arn, group in alb._tgs.items():
        for balancer in group.get("LoadBalancerArns", ()):
            yield (
                "AWS/ApplicationELB",
                {
                    "LoadBalancer": balancer.removeprefix(f"{prefix}loadbalancer/"),
                    "TargetGroup": arn.removeprefix(prefix),
                },
            )
