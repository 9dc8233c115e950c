"""Secrets Manager: a template's secrets are referred to by their ARN, and generated with all its exclusions.

MiniStack has replicas, but does not make one a secret of its own, and takes any key for it.
"""

import json
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, json_response
from ministack.services import kms, secretsmanager
from ministack.services.cloudformation import provisioners

from rehearsal.emulator.services.cloudformation_handler import Attributes, Handler, Properties

LEFT_OUT = {
    "ExcludePunctuation": r"!\"#$%&'()*+,-./:;<=>?@[\]^_`{|}~",
    "ExcludeNumbers": "0123456789",
    "ExcludeLowercase": "abcdefghijklmnopqrstuvwxyz",
    "ExcludeUppercase": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
}

SECRET = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"].copy()


def register() -> None:
    """Have generated secrets honour all exclusions, not only ExcludeCharacters, and replicas become secrets."""
    handle, replicate = secretsmanager.handle_request, secretsmanager._replicate_secret_to_regions

    async def handle_also(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if headers.get("x-amz-target", "").endswith(".StopReplicationToReplica"):
            return stop_replication(json.loads(body))
        return await handle(method, path, headers, body, query)

    def replicate_with_key(data: dict[str, Any]) -> Any:
        for one in data["AddReplicaRegions"]:
            if "KmsKeyId" in one and not has_key(one["Region"], one["KmsKeyId"]):
                return error_response_json("InvalidParameterException", f"Invalid KMS key: {one['KmsKeyId']}", 400)
        return replicate(data)

    secretsmanager.handle_request = handle_also
    secretsmanager._replicate_secret_to_regions = replicate_with_key
    secret_string = provisioners._sm_secret_string

    def generate(props: Properties) -> str:
        generated: dict[str, Any] = props.get("GenerateSecretString") or {}
        excluded = generated.get("ExcludeCharacters", "") + "".join(
            characters for option, characters in LEFT_OUT.items() if str(generated.get(option)).lower() == "true"
        )
        if generated:
            props = {**props, "GenerateSecretString": {**generated, "ExcludeCharacters": excluded}}
        return str(secret_string(props))

    provisioners._sm_secret_string = generate


def stop_replication(data: dict[str, Any]) -> Any:
    """Make a replica a secret of its own, which its primary changes no longer.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_StopReplicationToReplica.html
    """
    _, secret = secretsmanager._resolve(data["SecretId"])
    if secret is None:
        return error_response_json("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400)
    if not secretsmanager._is_replica(secret):
        return error_response_json("InvalidRequestException", "The secret is not a replica secret.", 400)
    secretsmanager._unlink_from_primary(secret)
    for key in ("_PrimarySecretArn", "_PrimaryRegion"):
        secret.pop(key)
    return json_response({"ARN": secret["ARN"]})


def has_key(region: str, key: str) -> bool:
    """Whether a region has the key: by its alias, id or ARN."""
    account = get_account_id()
    if key.startswith("alias/"):
        return bool(kms._aliases.contains_scoped(account, region, f"arn:aws:kms:{region}:{account}:{key}"))
    return bool(kms._keys.contains_scoped(account, region, key.rpartition(":key/")[2]))


def name_of(arn: str) -> str:
    """MiniStack's key of a secret; the ARN itself when the secret is gone."""
    return secretsmanager._resolve(arn)[0] or arn


def create(logical_id: str, props: Properties, stack: str) -> tuple[str, Attributes]:
    _, attributes = SECRET["create"](logical_id, props, stack)
    return attributes["Arn"], attributes


def update(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str) -> tuple[str, Attributes]:
    _, attributes = SECRET["update"](name_of(physical_id), old, new, stack, logical_id)
    return attributes["Arn"], attributes


def delete(physical_id: str, props: Properties) -> None:
    SECRET["delete"](name_of(physical_id), props)


HANDLERS: dict[str, Handler] = {
    "AWS::SecretsManager::Secret": {
        "create": create,
        "update": update,
        "update_with_logical_id": True,
        "delete": delete,
    }
}
