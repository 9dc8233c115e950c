"""Service Quotas, which MiniStack lacks: the quotas that preflight reads, and what a test sets instead of them.

Codes and values as `aws service-quotas list-service-quotas` answers them; Fargate's are of
an account that had them raised.
https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
"""

import json
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import error_response_json, json_response

SERVICE, TARGET = "servicequotas", "ServiceQuotasV20190624"
QUOTAS = {
    "fargate/L-3032A538": 4000.0,  # Fargate On-Demand vCPU resource count
    "fargate/L-36FBB829": 4000.0,  # Fargate Spot vCPU resource count
    "ec2/L-0263D0A3": 5.0,  # EC2-VPC Elastic IPs
    "vpc/L-F678F1CE": 5.0,  # VPCs per Region
}


def register(changed: Path) -> None:
    """Serve the quotas, and enforce IAM policies on them; `changed` is a file of JSON with others, when it exists."""

    async def handle(_method: str, _path: str, headers: dict[str, str], body: bytes, _query: Any) -> Any:
        request = json.loads(body or b"{}")
        quotas = QUOTAS | (json.loads(changed.read_text()) if changed.exists() else {})
        key = f"{request.get('ServiceCode')}/{request.get('QuotaCode')}"
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation not in ("GetServiceQuota", "GetAWSDefaultServiceQuota"):
            return error_response_json("UnknownOperationException", "This operation is not emulated", 400)
        if key not in quotas:
            return error_response_json("NoSuchResourceException", "The specified resource does not exist.", 400)
        service, code = key.split("/")
        return json_response({"Quota": {"ServiceCode": service, "QuotaCode": code, "Value": quotas[key]}})

    app.SERVICE_HANDLERS[SERVICE] = handle
    router.SERVICE_PATTERNS[SERVICE] = {"target_prefixes": [TARGET]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE
