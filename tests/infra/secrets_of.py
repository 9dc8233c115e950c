"""Which secret a part of a template stands for."""

from collections.abc import Iterator
from typing import Any

from tests.infra.conftest import Deployment


def joined(value: Any) -> Iterator[Any]:
    """The references in a list that is joined by commas."""
    for one in value["Fn::Join"][1]:
        if one != ",":
            yield one


def secret_of(deployment: Deployment, arn: dict[str, Any]) -> str:
    """Name of the secret that a reference is the ARN of, e.g. "cron-secret"; also of a copied one."""
    referred = deployment.referred(arn) or arn
    prefix = deployment.environment.names.secret("")
    if "Fn::GetAtt" in referred:
        (copied,) = deployment.properties("Custom::CopiedSecrets")
        name: str = copied["Secrets"][referred["Fn::GetAtt"][1]]
        return name.removeprefix(prefix)
    (secret,) = (
        one
        for id_, one in deployment.resources("AWS::SecretsManager::Secret")
        if id_.rpartition("/")[2] == referred["Ref"]
    )
    name = secret["Properties"]["Name"]
    return name.removeprefix(prefix)
