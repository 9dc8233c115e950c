"""Records with failover beside a simple one of the same name and type: Route 53 refuses them, MiniStack does not.

The words are those of Route 53.
https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-failover.html
"""

from typing import Any

from ministack.services import route53
from ministack.services.cloudformation import stacks


def register() -> None:
    """Fail the creation of a record with failover beside a simple one."""
    provision = stacks._provision_resource

    def provision_alone(type_name: str, logical_id: str, props: dict[str, Any], stack: str) -> Any:
        if type_name == "AWS::Route53::RecordSet" and "SetIdentifier" in props:
            name = f"{props['Name'].rstrip('.')}."
            for record in route53._records.get(props["HostedZoneId"], []):
                if (record["Name"], record["Type"]) == (name, props["Type"]) and not record.get("SetIdentifier"):
                    raise ValueError(
                        f"[RRSet with DNS name {name}, type {props['Type']}, SetIdentifier {props['SetIdentifier']} "
                        "cannot be created as a non-weighted set exists with the same name and type.]"
                    )
        return provision(type_name, logical_id, props, stack)

    stacks._provision_resource = provision_alone
