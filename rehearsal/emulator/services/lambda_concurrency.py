"""Reserved concurrency as a new account has it: none, since ten executions must stay unreserved.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

import json
from pathlib import Path
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import stacks

KEY = "lambda/L-B99A9384"
QUOTA = 10  # of a new account and region
MIN_UNRESERVED = 10


def register(changed: Path) -> None:
    """Fail a function that reserves executions, in Lambda's words, and answer the quota.

    Args:
        changed: a file of JSON with another quota, when it exists, as `service_quotas` reads it.
    """
    settings = lambda_svc._get_account_settings

    def settings_of_new_account() -> Any:
        quota = int(json.loads(changed.read_text()).get(KEY, QUOTA) if changed.exists() else QUOTA)
        status, headers, body = settings()
        limit = {"ConcurrentExecutions": quota, "UnreservedConcurrentExecutions": quota}
        answer = json.loads(body)
        return status, headers, json.dumps(answer | {"AccountLimit": answer["AccountLimit"] | limit}).encode()

    lambda_svc._get_account_settings = settings_of_new_account
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
