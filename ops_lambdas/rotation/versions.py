"""The versions of a secret under rotation, in Secrets Manager."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from ops_lambdas.shared.secret_values import CURRENT, PENDING, SecretError, read_secret

_CONFIG = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})


class RotationError(RuntimeError):
    """The rotation cannot go on; the message has the reason, and no value."""


@dataclass(frozen=True)
class Versions:
    """A secret and the version of it that a rotation makes current.

    Needs `secretsmanager:DescribeSecret`, `GetSecretValue`, `PutSecretValue` and `UpdateSecretVersionStage` on it, and
    `kms:Decrypt` and `kms:GenerateDataKey` with its key.

    Args:
        token: id of the new version.
    """

    arn: str
    token: str

    def is_finished(self) -> bool:
        """Whether the version is current.

        Raises:
            RotationError: the secret is not rotated, or the version is not under rotation.
            BotoCoreError, ClientError: Secrets Manager cannot be reached, or refuses.
        """
        described = self._client.describe_secret(SecretId=self.arn)
        stages = described.get("VersionIdsToStages", {}).get(self.token, [])
        if CURRENT in stages:
            return True
        if not described.get("RotationEnabled"):
            raise RotationError(f"rotation of {self.arn} is not enabled")
        if PENDING not in stages:
            raise RotationError(f"version {self.token} of {self.arn} is not {PENDING}")
        return False

    def pending(self) -> dict[str, Any] | None:
        """Read the version; None while it has no value.

        Raises:
            SecretError: it is not a JSON object.
            BotoCoreError, ClientError: Secrets Manager cannot be reached, or refuses.
        """
        client = self._client
        try:
            answer = client.get_secret_value(SecretId=self.arn, VersionId=self.token, VersionStage=PENDING)
        except client.exceptions.ResourceNotFoundException:
            return None
        return _object(self.arn, answer.get("SecretString"))

    def current(self) -> dict[str, Any]:
        """Read the current version.

        Raises:
            SecretError: it cannot be read, or is not a JSON object.
        """
        return read_secret(self.arn)

    def create(self, make: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        """Give the version the value that `make` makes of the current one, unless it has a value.

        Two at once: the first wins, as Secrets Manager refuses another value of the same version.

        Raises: as `pending` and `current`, and what `make` raises.
        """
        if self.pending() is not None:
            return
        client = self._client
        try:
            client.put_secret_value(
                SecretId=self.arn,
                ClientRequestToken=self.token,
                SecretString=json.dumps(make(self.current())),
                VersionStages=[PENDING],
            )
        except client.exceptions.ResourceExistsException:
            if self.pending() is None:
                raise

    def finish(self) -> None:
        """Make the version current, and no longer pending.

        Secrets Manager would refuse to begin the next rotation when the version is still pending, and another one has
        been put meanwhile. https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html

        Raises:
            BotoCoreError, ClientError: Secrets Manager cannot be reached, or refuses.
        """
        for tries_left in (2, 1, 0):
            try:
                self._finish()
            except self._client.exceptions.InvalidParameterException:  # another call has moved a label meanwhile
                if not tries_left:
                    raise
            else:
                return

    def _finish(self) -> None:
        client = self._client
        stages = client.describe_secret(SecretId=self.arn)["VersionIdsToStages"]
        current = next((version for version, of_version in stages.items() if CURRENT in of_version), None)
        if current != self.token:
            client.update_secret_version_stage(
                SecretId=self.arn,
                VersionStage=CURRENT,
                MoveToVersionId=self.token,
                **({"RemoveFromVersionId": current} if current else {}),
            )
        if PENDING in stages.get(self.token, []):
            client.update_secret_version_stage(SecretId=self.arn, VersionStage=PENDING, RemoveFromVersionId=self.token)

    @cached_property
    def _client(self) -> Any:
        return boto3.client("secretsmanager", config=_CONFIG)


def _object(arn: str, text: object) -> dict[str, Any]:
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except json.JSONDecodeError:
        value = None  # the error itself would contain the secret's text
    if not isinstance(value, dict):
        raise SecretError(f"{PENDING} of secret {arn} must be a JSON object")
    return value
