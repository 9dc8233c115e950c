"""Settings of rotation, and the event that Secrets Manager calls it with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ops_lambdas.shared.settings import (
    InvalidSettingError,
    MasterSettings,
    SecretArn,
    SecretArns,
    from_event,
    matching,
    one_of,
)

Step = Literal["createSecret", "setSecret", "testSecret", "finishSecret"]


@dataclass(frozen=True, kw_only=True)
class Settings(MasterSettings):
    """Settings of rotation.

    Attributes:
        url_secret_arn: what the application logs in with: username, password and URLs.
        value_secret_arns: secrets that hold one generated value.
    """

    url_secret_arn: SecretArn
    value_secret_arns: SecretArns


@dataclass(frozen=True, kw_only=True)
class Call:
    """A step of a rotation.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html

    Attributes:
        token: id of the version that becomes current.
    """

    step: Annotated[Step, one_of("createSecret", "setSecret", "testSecret", "finishSecret")]
    secret_id: SecretArn
    token: Annotated[str, matching(r"[\w-]{32,64}", "the id of a version, 32 to 64 characters")]


def call_from(event: object) -> Call:
    """Read a step from Secrets Manager's event. Other fields are Secrets Manager's, too, and are not used.

    Raises:
        InvalidSettingError: a field is missing or not allowed.
    """
    if not isinstance(event, Mapping):
        raise InvalidSettingError("event", event, "a JSON object")
    given: Mapping[str, Any] = event
    fields = {"step": "Step", "secret_id": "SecretId", "token": "ClientRequestToken"}
    return from_event(Call, {field: given.get(name) for field, name in fields.items()})
