"""Rotation of secrets: Secrets Manager calls the secret's function four times, with a version that is pending.

MiniStack makes the new version current without calling the function. Its versions may be written again, and one without
a value is answered as if it had one. Sources: AWS Secrets Manager user guide, "Rotation by Lambda function"; API
reference, "RotateSecret", "PutSecretValue", "GetSecretValue".
"""

import json
import logging
import threading
import time
from typing import Any

from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    new_uuid,
    set_request_account_id,
    set_request_region,
)
from ministack.services import lambda_svc, secretsmanager

from rehearsal.emulator.services.cloudformation_handler import Attributes, Handler, Properties, answer, resource

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
SERVICE = "secretsmanager.amazonaws.com"

log = logging.getLogger("rehearsal.rotation")


def register() -> None:
    """Have Secrets Manager rotate, and refuse what it does about versions."""
    get, put, describe, list_all = (
        secretsmanager._get_secret_value,
        secretsmanager._put_secret_value,
        secretsmanager._describe_secret,
        secretsmanager._list_secrets,
    )

    def get_value(data: dict[str, Any]) -> Any:
        secret = found(data)
        version = secret.get("Versions", {}).get(data.get("VersionId"), {})
        is_other = data.get("VersionStage", CURRENT) not in version.get("Stages", ()) and "VersionStage" in data
        if version and (is_other or is_empty(version)):
            return refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret value.")
        return get(data)

    def put_value(data: dict[str, Any]) -> Any:
        """A version has one value for ever; an empty one, of a rotation that has begun, is filled."""
        secret, token = found(data), data.get("ClientRequestToken")
        version = secret.get("Versions", {}).get(token, {})
        if version.get("SecretString") not in (None, data.get("SecretString")):
            return refusal("ResourceExistsException", f"You can't modify the existing version {token}.")
        return put(data)

    def describe_with_last(data: dict[str, Any]) -> Any:
        status, headers, body = describe(data)
        return status, headers, json.dumps(json.loads(body) | last_rotated(data))

    def list_with_last(data: dict[str, Any]) -> Any:
        status, headers, body = list_all(data)
        answered = json.loads(body)
        answered["SecretList"] = [one | last_rotated({"SecretId": one["ARN"]}) for one in answered["SecretList"]]
        return status, headers, json.dumps(answered)

    secretsmanager._list_secrets = list_with_last
    secretsmanager._get_secret_value = get_value
    secretsmanager._put_secret_value = put_value
    secretsmanager._describe_secret = describe_with_last
    secretsmanager._rotate_secret = rotate


def rotate(data: dict[str, Any]) -> Any:
    """Configure and begin a rotation; it goes on when the answer has been sent."""
    secret = found(data)
    if not secret:
        return refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    function = data.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    if not function:
        return refusal("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
    if not may_be_called(function):
        return refusal(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants "
            f"access to the principal {SERVICE}.",
        )
    pending, _ = secretsmanager._find_stage_version(secret, PENDING)
    current, _ = secretsmanager._find_stage_version(secret, CURRENT)
    if pending and pending != current:
        if not is_empty(secret["Versions"][pending]):
            return refusal("InvalidRequestException", "A previous rotation isn't complete.")
        secretsmanager._remove_stage(secret, pending, PENDING)
    secret["RotationLambdaARN"], secret["RotationEnabled"] = function, True
    if data.get("RotationRules"):
        secret["RotationRules"] = data["RotationRules"]
    token = data.get("ClientRequestToken") or new_uuid()
    secretsmanager._remove_stage_everywhere(secret, PENDING)
    secret["Versions"][token] = {
        "SecretString": None,
        "SecretBinary": None,
        "CreatedDate": int(time.time()),
        "Stages": [PENDING],
    }
    is_at_once = data.get("RotateImmediately", True)
    steps = STEPS if is_at_once else ("testSecret",)
    arguments = (get_account_id(), get_region(), secret, token, steps)
    threading.Thread(target=call_function, args=arguments, daemon=True).start()
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token})


def call_function(account: str, region: str, secret: dict[str, Any], token: str, steps: tuple[str, ...]) -> None:
    """Call the steps one after the other, until one fails; a trial's version is removed."""
    set_request_account_id(account)
    set_request_region(region)
    func, config, _ = lambda_svc._get_func_record_for_ref(secret["RotationLambdaARN"])
    for step in steps:
        event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": token}
        result = lambda_svc._execute_function_with_config_scope(
            lambda_svc._execution_record_for_config(func, config), event
        )
        if result.get("error"):
            log.warning("rotation of %s failed in %s", secret["Name"], step)
            return
    if steps == STEPS:
        secret["LastRotatedDate"] = int(time.time())
        log.info("%s is rotated", secret["Name"])
    else:
        secret["Versions"].pop(token, None)


def may_be_called(function: str) -> bool:
    """Whether the function's policy lets Secrets Manager call it."""
    func, _, _ = lambda_svc._get_func_record_for_ref(function)
    statements = (func or {}).get("policy", {}).get("Statement", [])
    return any(SERVICE in json.dumps(one.get("Principal")) for one in statements)


def found(data: dict[str, Any]) -> dict[str, Any]:
    """The secret that a request names; empty when there is none."""
    return secretsmanager._resolve(data.get("SecretId"))[1] or {}


def last_rotated(data: dict[str, Any]) -> dict[str, Any]:
    """When the secret that a request names last rotated, as Secrets Manager answers it; MiniStack does not."""
    last = found(data).get("LastRotatedDate")
    return {"LastRotatedDate": last} if last else {}


def is_empty(version: dict[str, Any]) -> bool:
    """Whether the version has no value yet."""
    return version.get("SecretString") is None and version.get("SecretBinary") is None


def refusal(code: str, message: str) -> Any:
    """Secrets Manager's error."""
    return error_response_json(code, message, 400)


def create(_logical_id: str, props: Properties, _stack: str) -> tuple[str, Attributes]:
    request = {
        "SecretId": props["SecretId"],
        "RotationLambdaARN": props["RotationLambdaARN"],
        "RotationRules": props["RotationRules"],
        "RotateImmediately": str(props.get("RotateImmediatelyOnUpdate", True)).lower() == "true",
    }
    arn = str(json.loads(answer(rotate(request)))["ARN"])
    return arn, {"Id": arn}


def update(_physical_id: str, _old: Properties, new: Properties, stack: str, logical_id: str) -> tuple[str, Attributes]:
    return create(logical_id, new, stack)


def delete(physical_id: str, _props: Properties) -> None:
    found({"SecretId": physical_id}).update(RotationEnabled=False)


HANDLERS: dict[str, Handler] = {"AWS::SecretsManager::RotationSchedule": resource(create, delete, update)}
