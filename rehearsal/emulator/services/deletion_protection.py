"""Deletion protection of DB instances and load balancers, which MiniStack's CloudFormation does not ask for."""

from collections.abc import Mapping
from typing import Any

from ministack.services import alb, rds
from ministack.services.cloudformation import provisioners

ATTRIBUTE = {"Key": "deletion_protection.enabled", "Value": "true"}


def register() -> None:
    """Refuse to delete what is protected, from a template and by the load balancers' API, in the services' words."""
    handlers = provisioners._RESOURCE_HANDLERS
    delete_instance = handlers["AWS::RDS::DBInstance"]["delete"]
    delete_balancer = handlers["AWS::ElasticLoadBalancingV2::LoadBalancer"]["delete"]
    delete_by_api = alb._ACTION_MAP["DeleteLoadBalancer"]

    def delete_unprotected_instance(physical_id: str, props: Mapping[str, Any]) -> None:
        if rds._instances.get(physical_id, {}).get("DeletionProtection"):
            raise ValueError("Cannot delete protected DB Instance, please disable deletion protection and try again.")
        delete_instance(physical_id, props)

    def delete_unprotected_balancer(physical_id: str, props: Mapping[str, Any]) -> None:
        if is_protected(physical_id):
            raise ValueError(refusal(physical_id))
        delete_balancer(physical_id, props)

    def delete_unprotected_by_api(params: Mapping[str, Any]) -> Any:
        arn = alb._p(params, "LoadBalancerArn")
        if is_protected(arn):
            return alb._error("OperationNotPermitted", refusal(arn), 400)
        return delete_by_api(params)

    handlers["AWS::RDS::DBInstance"] |= {"delete": delete_unprotected_instance}
    handlers["AWS::ElasticLoadBalancingV2::LoadBalancer"] |= {"delete": delete_unprotected_balancer}
    alb._ACTION_MAP["DeleteLoadBalancer"] = delete_unprotected_by_api


def is_protected(arn: str) -> bool:
    """Whether the load balancer has deletion protection."""
    return ATTRIBUTE in alb._lb_attrs.get(arn, [])


def refusal(arn: str) -> str:
    """What Elastic Load Balancing says."""
    return f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
