"""Secrets Manager: a template's secrets are referred to by their ARN, and generated with all its exclusions."""

from typing import Any

from ministack.services import secretsmanager
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
    """Have generated secrets honour all exclusions, not only ExcludeCharacters."""
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
