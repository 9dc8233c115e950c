"""The -secrets stack."""

import application
from constructs import Construct
from constructs.secrets.application_secrets import ApplicationSecrets
from environment import Environment
from stacks.base import EnvironmentStack


class SecretsStack(EnvironmentStack):
    """Secrets of the application and their key."""

    layer = "secrets"

    def __init__(self, scope: Construct, environment: Environment) -> None:
        super().__init__(scope, environment)
        self.secrets = ApplicationSecrets(
            self,
            "Secrets",
            names=environment.names,
            secrets=application.SECRETS,
            removal_policy=self.retention.removal_policy,
            copied_from=f"make deploy ENV={environment.name}" if environment.receives_copies else None,
            copy_region=environment.recovery_region if environment.sends_copies else None,
        )
