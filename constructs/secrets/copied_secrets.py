"""The application's secrets in a recovered region: the copies of the home region's, made its own."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from constructs import Construct
from constructs.functions.ops_function import OpsFunction
from constructs.secrets.encrypted_secret import Readers
from names import Names


class CopiedSecret:
    """A secret that was copied here, known by its name until the deployment looks it up.

    Attributes: secret_arn, policy_arn.
    """

    def __init__(self, readers: Readers, secret_arn: str) -> None:
        self._readers = readers
        self.secret_arn, self.policy_arn = secret_arn, readers.policy_arn

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read the secret's value; see Readers."""
        return self._readers.add(grantee)


class CopiedSecrets(Construct):
    """Take over the copies of `secrets`: they follow the home region's no longer, and can be changed and rotated.

    Args:
        key: encrypts the copies.
        copy: the command that copies them, for the error when there is none.
    Attributes: by_name.
    """

    def __init__(
        self, scope: Construct, id: str, *, names: Names, secrets: Sequence[str], key: kms.IKey, copy: str
    ) -> None:
        super().__init__(scope, id)
        readers = {name: Readers(self, names.secret(name), key) for name in secrets}
        function = OpsFunction(
            self,
            name=names.copied_secrets,
            description="Makes the copies of the home region's secrets this region's own",
            handler="copied_secrets.function.handler",
            log_group=names.copied_secrets_log_group,
            timeout=Duration.minutes(2),
            settings={},
        )
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["secretsmanager:DescribeSecret", "secretsmanager:StopReplicationToReplica"],
                resources=[one.policy_arn for one in readers.values()],
            )
        )
        resource = cdk.CustomResource(
            self,
            "Resource",
            resource_type="Custom::CopiedSecrets",
            service_token=function.function_arn,
            service_timeout=Duration.minutes(5),
            properties={"Secrets": {_attribute(name): names.secret(name) for name in secrets}, "Copy": copy},
        )
        resource.node.add_dependency(self.node.find_child("Role"))  # and its policy
        self.by_name = {
            name: CopiedSecret(readers[name], resource.get_att_string(_attribute(name))) for name in secrets
        }


def _attribute(name: str) -> str:
    """What the resource calls the secret's ARN: letters and digits."""
    return name.title().replace("-", "")
