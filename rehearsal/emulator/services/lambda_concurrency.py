"""Reserved concurrency as a new account has it: none, since ten executions must stay unreserved.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from typing import Any

from ministack.services.cloudformation import stacks

QUOTA = 10  # of a new account and region
MIN_UNRESERVED = 10


def register() -> None:
    """Fail a function that reserves executions, in Lambda's words."""
    provision = stacks._provision_resource

    def provision_unreserved(type_name: str, logical_id: str, props: dict[str, Any], stack: str) -> Any:
        reserved = int(props.get("ReservedConcurrentExecutions", 0)) if type_name == "AWS::Lambda::Function" else 0
        if QUOTA - reserved < MIN_UNRESERVED:
            raise ValueError(
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
                f"below its minimum value of [{MIN_UNRESERVED}]."
            )
        return provision(type_name, logical_id, props, stack)

    stacks._provision_resource = provision_unreserved
