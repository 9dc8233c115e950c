"""Secrets encrypted with our own key, readable from other stacks."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from constructs import Construct
from constructs.common.acknowledge import acknowledge
from constructs.common.weak_reference import refer_weakly


class EncryptedSecret(secretsmanager.Secret):
    """A secret whose readers are granted by their own policies.

    The CDK's grant writes the reader into the key's policy, which makes the key's stack depend on the
    reader's, and the two stacks on each other.
    """

    def __init__(self, scope: Construct, id: str, *, encryption_key: kms.IKey, **properties: Any) -> None:
        super().__init__(scope, id, encryption_key=encryption_key, **properties)
        self._key = encryption_key
        self._grants: dict[iam.IGrantable, iam.Grant] = {}
        refer_weakly(self)  # its ARN never changes
        acknowledge(self, "Those that we may replace rotate, in -operations; third parties' cannot", "SMG4")

    def grant_read(
        self,
        grantee: iam.IGrantable,
        version_stages: Sequence[str] | None = None,  # noqa: ARG002 - the CDK's signature
    ) -> iam.Grant:
        """Let `grantee` read the secret's value, and decrypt with its key through Secrets Manager only.

        Once for each grantee: a task's role is granted a secret by each container that has it, and CDK calls are slow.
        """
        if grantee not in self._grants:
            grantee.grant_principal.add_to_principal_policy(self._decrypt)
            self._grants[grantee] = iam.Grant.add_to_principal(
                grantee=grantee, actions=["secretsmanager:GetSecretValue"], resource_arns=[self._arn]
            )
        return self._grants[grantee]

    @cached_property
    def _arn(self) -> str:
        return self.secret_arn

    @cached_property
    def _decrypt(self) -> iam.PolicyStatement:
        """Created once for all readers."""
        return iam.PolicyStatement(
            actions=["kms:Decrypt"],
            resources=[self._key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{Stack.of(self).region}.amazonaws.com"}},
        )
