"""Secrets encrypted with our own key, readable from other stacks."""

from collections.abc import Sequence
from typing import Any, Protocol

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs import Construct, IConstruct
from constructs.common.acknowledge import acknowledge
from constructs.common.weak_reference import refer_weakly


class ReadableSecret(Protocol):
    """A secret that the application or a check reads.

    Attributes:
        policy_arn: what stands for it in a policy, which may be made before the secret.
    """

    policy_arn: str

    @property
    def secret_arn(self) -> str:
        """Its ARN."""

    def grant_read(self, grantee: iam.IGrantable) -> Any:
        """Let `grantee` read its value."""


class Readers:
    """Lets roles read one secret, and decrypt with its key through Secrets Manager only.

    The CDK's grant writes the reader into the key's policy, which makes the key's stack depend on the reader's, and the
    two stacks on each other. Policies name the secret by its name and six characters, as AWS suggests: the roles of a
    region in standby are made before its secrets.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html
    """

    def __init__(self, scope: IConstruct, name: str, key: kms.IKey) -> None:
        stack = Stack.of(scope)
        self.policy_arn = stack.format_arn(
            service="secretsmanager",
            resource="secret",
            resource_name=f"{name}-??????",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self._decrypt = iam.PolicyStatement(
            actions=["kms:Decrypt"],
            resources=[key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{stack.region}.amazonaws.com"}},
        )
        self._grants: dict[iam.IGrantable, iam.Grant] = {}

    def add(self, grantee: iam.IGrantable) -> iam.Grant:
        """Once for each grantee: a task's role is granted a secret by each container that has it."""
        if grantee not in self._grants:
            grantee.grant_principal.add_to_principal_policy(self._decrypt)
            self._grants[grantee] = iam.Grant.add_to_principal(
                grantee=grantee, actions=["secretsmanager:GetSecretValue"], resource_arns=[self.policy_arn]
            )
        return self._grants[grantee]


class EncryptedSecret(secretsmanager.Secret):
    """A secret whose readers are granted by their own policies.

    Attributes: policy_arn.
    """

    def __init__(
        self, scope: Construct, id: str, *, secret_name: str, encryption_key: kms.IKey, **properties: Any
    ) -> None:
        super().__init__(scope, id, secret_name=secret_name, encryption_key=encryption_key, **properties)
        self._readers = Readers(self, secret_name, encryption_key)
        self.policy_arn = self._readers.policy_arn
        refer_weakly(self)  # its ARN never changes
        acknowledge(self, "Those that we may replace rotate, in -operations; third parties' cannot", "SMG4")

    def grant_read(
        self,
        grantee: iam.IGrantable,
        version_stages: Sequence[str] | None = None,  # noqa: ARG002 - the CDK's signature
    ) -> iam.Grant:
        """Let `grantee` read the secret's value; see Readers."""
        return self._readers.add(grantee)


class SecretField(ecs.Secret):
    """One key of a secret's JSON, as an environment variable of a container."""

    def __init__(self, secret: ReadableSecret, key: str) -> None:
        super().__init__()
        self._secret, self._key = secret, key

    @property
    def arn(self) -> str:
        """As ECS takes it: the secret's current version."""
        return f"{self._secret.secret_arn}:{self._key}::"

    @property
    def has_field(self) -> bool:
        """Whether only one key of the secret is given to the container."""
        return True

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let the task's execution role read it."""
        grant: iam.Grant = self._secret.grant_read(grantee)
        return grant
