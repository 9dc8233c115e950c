"""The application's secrets and the key that encrypts them."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from aws_cdk import RemovalPolicy, SecretValue
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from application import ApplicationSecret
from constructs import Construct
from constructs.secrets.copied_secrets import CopiedSecrets
from constructs.secrets.encrypted_secret import EncryptedSecret, ReadableSecret
from names import Names


class ApplicationSecrets(Construct):
    """A secret with the JSON key `value` for each of `secrets`.

    Generated ones get a random value from Secrets Manager. The others are created with their initial value,
    empty if there is none, and filled by a person; the template holds no value that is secret.

    Args:
        copied_from: the command that copies them here, where they are copies of another region's; None: they are made.
        copy_region: where they are copied to, encrypted by the key of the same alias there; None: nowhere.
    Attributes: key; by_name, the secrets; replaced, those that get a new value every 90 days; rotated, those of them
        that do so by themselves, by name; to_fill, those that are empty until a person has filled them.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        names: Names,
        secrets: Sequence[ApplicationSecret],
        removal_policy: RemovalPolicy,
        copied_from: str | None = None,
        copy_region: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        alias = names.key_alias("secrets")
        self.key = kms.Key(
            self,
            "Key",
            alias=alias,
            description="Secrets of the application and of its database",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        self.by_name: Mapping[str, ReadableSecret]
        if copied_from:
            own = [secret.name for secret in secrets]
            copies = CopiedSecrets(self, "Copies", names=names, secrets=own, key=self.key, copy=copied_from)
            self.by_name = copies.by_name
        else:
            copy = secretsmanager.CfnSecret.ReplicaRegionProperty(region=copy_region or "", kms_key_id=f"alias/{alias}")
            self.by_name = {
                secret.name: self._make(names, secret, removal_policy, [copy] if copy_region else [])
                for secret in secrets
            }
        self.to_fill = tuple(self.by_name[secret.name] for secret in secrets if secret.is_filled_by_person)
        self.rotated = {secret.name: self.by_name[secret.name] for secret in secrets if secret.is_generated}
        self.replaced = tuple(self.by_name[secret.name] for secret in secrets if secret.is_replaced)

    def _make(
        self,
        names: Names,
        secret: ApplicationSecret,
        removal_policy: RemovalPolicy,
        copies: list[Any],
    ) -> EncryptedSecret:
        made = EncryptedSecret(
            self,
            secret.name,
            secret_name=names.secret(secret.name),
            description=self._description(secret),
            encryption_key=self.key,
            removal_policy=removal_policy,
            **self._value(secret),
        )
        if copies:
            cast(secretsmanager.CfnSecret, made.node.default_child).replica_regions = copies
        return made

    @staticmethod
    def _description(secret: ApplicationSecret) -> str:
        if secret.is_generated:
            return secret.description
        return f"{secret.description}. To fill it: make secret NAME={secret.name}"

    @staticmethod
    def _value(secret: ApplicationSecret) -> dict[str, Any]:
        if secret.is_generated:
            generator = secretsmanager.SecretStringGenerator(
                secret_string_template="{}",  # noqa: S106 - the JSON that the generated key is added to
                generate_string_key="value",
                password_length=48,
                exclude_punctuation=True,
            )
            return {"generate_secret_string": generator}
        return {"secret_object_value": {"value": SecretValue.unsafe_plain_text(secret.initial_value)}}
